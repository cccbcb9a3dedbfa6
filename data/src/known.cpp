// Facts about the named data sets. Means and standard deviations are those in common use (pixels
// scaled to [0, 1], over the training images).
#include "known.h"

#include <taxon/base/error.h>
#include <taxon/base/text.h>

namespace taxon {
namespace {

std::vector<std::string> words(std::string_view s) {
  return split(s, ' ');
}

std::vector<std::string> cifar100_names() {
  return words(
      "apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus "
      "butterfly camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch "
      "crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster house "
      "kangaroo "
      "keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain "
      "mouse "
      "mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate "
      "poppy "
      "porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper "
      "snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone "
      "television "
      "tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm");
}

constexpr const char* idx_files =
    "{train-images-idx3-ubyte.gz,train-labels-idx1-ubyte.gz,t10k-images-idx3-ubyte.gz,"
    "t10k-labels-idx1-ubyte.gz}";

Known mnist() {
  Known k;
  k.facts = {"mnist", "MNIST: handwritten digits", 60000, 10000, 10, 28, 28, 1, ""};
  k.class_names = words("0 1 2 3 4 5 6 7 8 9");
  k.mean = {0.1307f};
  k.std = {0.3081f};
  k.folders = {"mnist", "MNIST/raw", "MNIST", ""};
  k.url = "https://ossci-datasets.s3.amazonaws.com/mnist/";
  k.files = idx_files;
  return k;
}

Known fashion_mnist() {
  Known k;
  k.facts = {"fashion-mnist", "Fashion-MNIST: clothing", 60000, 10000, 10, 28, 28, 1, ""};
  k.class_names = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                   "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
  k.mean = {0.2860f};
  k.std = {0.3530f};
  k.flips = true;
  k.folders = {"fashion-mnist", "FashionMNIST/raw", "FashionMNIST", ""};
  k.url = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/";
  k.files = idx_files;
  k.package = "dataset-fashion-mnist";
  return k;
}

Known emnist_balanced() {
  Known k;
  k.facts = {
      "emnist-balanced", "EMNIST balanced: digits and letters", 112800, 18800, 47, 28, 28, 1, ""};
  k.class_names = words(
      "0 1 2 3 4 5 6 7 8 9 A B C D E F G H I J K L M N O P Q R S T U V W X Y Z a b d e f g h n q r "
      "t");
  k.mean = {0.1751f};
  k.std = {0.3332f};
  k.folders = {"emnist-balanced", "emnist", "EMNIST/raw", "EMNIST", "gzip", ""};
  k.train_prefix = "emnist-balanced-train";
  k.test_prefix = "emnist-balanced-test";
  k.transposed = true;
  k.url = "https://biometrics.nist.gov/cs_links/EMNIST/";
  k.files = "gzip.zip";
  return k;
}

Known cifar10() {
  Known k;
  k.facts = {"cifar10", "CIFAR-10: small photos", 50000, 10000, 10, 32, 32, 3, ""};
  k.format = KnownFormat::cifar10;
  k.class_names = words("airplane automobile bird cat deer dog frog horse ship truck");
  k.mean = {0.4914f, 0.4822f, 0.4465f};
  k.std = {0.2470f, 0.2435f, 0.2616f};
  k.flips = true;
  k.folders = {"cifar10", "cifar-10", "cifar-10-batches-bin", ""};
  k.url = "https://www.cs.toronto.edu/~kriz/";
  k.files = "cifar-10-binary.tar.gz";
  return k;
}

Known cifar100() {
  Known k;
  k.facts = {"cifar100", "CIFAR-100: small photos", 50000, 10000, 100, 32, 32, 3, ""};
  k.format = KnownFormat::cifar100;
  k.class_names = cifar100_names();
  k.mean = {0.5071f, 0.4865f, 0.4409f};
  k.std = {0.2673f, 0.2564f, 0.2762f};
  k.flips = true;
  k.folders = {"cifar100", "cifar-100", "cifar-100-binary", ""};
  k.url = "https://www.cs.toronto.edu/~kriz/";
  k.files = "cifar-100-binary.tar.gz";
  return k;
}

}  // namespace

std::span<const Known> known_table() {
  static const std::vector<Known> table{mnist(), fashion_mnist(), emnist_balanced(), cifar10(),
                                        cifar100()};
  return table;
}

const Known* find_known(std::string_view name) {
  for (const Known& k : known_table()) {
    if (k.facts.name == name) {
      return &k;
    }
  }
  return nullptr;
}

std::vector<std::string> known_names() {
  std::vector<std::string> names;
  for (const Known& k : known_table()) {
    names.push_back(k.facts.name);
  }
  return names;
}

std::string fetch_command(const Known& k, const std::string& folder) {
  if (!k.package.empty()) {
    return text("apt-get install ", k.package);
  }
  const std::string target = text(folder, '/', k.facts.name, '/');
  const bool several = k.files.starts_with('{');
  std::string command = text("curl -fL --create-dirs -o '", target, several ? "#1" : k.files, "' '",
                             k.url, k.files, "'");
  if (k.files.ends_with(".zip")) {
    command +=
        text(" && unzip -j '", target, k.files, "' '*", k.facts.name, "*' -d '", target, "'");
  }
  return command;
}

}  // namespace taxon
