// Labels an image with a trained model: the least a program needs to use Taxon.
//
// Use: classify MODEL.safetensors IMAGE.png     prints "label  probability", the most probable
// first
#include <taxon/models/classifier.h>

#include <cstdio>
#include <exception>
#include <string>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "Use: classify MODEL.safetensors IMAGE.png\n");
    return 2;
  }
  try {
    const taxon::Classifier classifier = taxon::Classifier::load(argv[1]);
    const taxon::Classification answer = classifier.classify(std::string(argv[2]));
    for (const taxon::Label& label : answer.top)
      std::printf("%s  %.4f\n", label.label.c_str(), static_cast<double>(label.probability));
  } catch (const std::exception& e) {
    std::fprintf(stderr, "classify: %s\n", e.what());
    return 1;
  }
  return 0;
}
