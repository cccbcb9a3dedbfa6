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

// Sizes and SHA-256 sums are those of the publishers' files, as TensorFlow Datasets lists them
// (tensorflow_datasets/url_checksums/NAME.txt). Each sum was found in a second, independent list
// too.

Known mnist() {
  Known k;
  k.facts = {"mnist", "MNIST: handwritten digits", 60000, 10000, 10, 28, 28, 1, "", {}};
  k.class_names = words("0 1 2 3 4 5 6 7 8 9");
  k.mean = {0.1307f};
  k.std = {0.3081f};
  k.folders = {"mnist", "MNIST/raw", "MNIST", ""};
  k.facts.publication.files = {
      {"train-images-idx3-ubyte.gz", 9912422,
       "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"},
      {"train-labels-idx1-ubyte.gz", 28881,
       "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"},
      {"t10k-images-idx3-ubyte.gz", 1648877,
       "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"},
      {"t10k-labels-idx1-ubyte.gz", 4542,
       "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"}};
  k.facts.publication.mirrors = {"https://storage.googleapis.com/cvdf-datasets/mnist/",
                                 "https://ossci-datasets.s3.amazonaws.com/mnist/"};
  k.facts.publication.licence = "CC BY-SA 3.0";
  k.facts.publication.citation =
      "LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition, "
      "Proceedings of the IEEE 86(11), 1998";
  return k;
}

Known fashion_mnist() {
  Known k;
  k.facts = {"fashion-mnist", "Fashion-MNIST: clothing", 60000, 10000, 10, 28, 28, 1, "", {}};
  k.class_names = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                   "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
  k.mean = {0.2860f};
  k.std = {0.3530f};
  k.flips = true;
  k.folders = {"fashion-mnist", "FashionMNIST/raw", "FashionMNIST", ""};
  k.facts.publication.files = {
      {"train-images-idx3-ubyte.gz", 26421880,
       "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"},
      {"train-labels-idx1-ubyte.gz", 29515,
       "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"},
      {"t10k-images-idx3-ubyte.gz", 4422102,
       "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"},
      {"t10k-labels-idx1-ubyte.gz", 5148,
       "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"}};
  k.facts.publication.mirrors = {
      "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
      "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
      "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/"};
  k.facts.publication.licence = "MIT";
  k.facts.publication.citation =
      "Xiao, Rasul, Vollgraf: Fashion-MNIST: a novel image dataset for benchmarking machine "
      "learning algorithms, arXiv:1708.07747, 2017";
  return k;
}

Known emnist_balanced() {
  Known k;
  k.facts = {"emnist-balanced",
             "EMNIST balanced: digits and letters",
             112800,
             18800,
             47,
             28,
             28,
             1,
             "",
             {}};
  k.class_names = words(
      "0 1 2 3 4 5 6 7 8 9 A B C D E F G H I J K L M N O P Q R S T U V W X Y Z a b d e f g h n q r "
      "t");
  k.mean = {0.1751f};
  k.std = {0.3332f};
  k.folders = {"emnist-balanced", "emnist", "EMNIST/raw", "EMNIST", "gzip", ""};
  k.train_prefix = "emnist-balanced-train";
  k.test_prefix = "emnist-balanced-test";
  k.transposed = true;
  k.facts.publication.files = {
      {"gzip.zip",
       561753746,
       "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e",
       {"emnist-balanced-train-images-idx3-ubyte.gz", "emnist-balanced-train-labels-idx1-ubyte.gz",
        "emnist-balanced-test-images-idx3-ubyte.gz", "emnist-balanced-test-labels-idx1-ubyte.gz"}}};
  k.facts.publication.mirrors = {"https://biometrics.nist.gov/cs_links/EMNIST/",
                                 "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/"};
  k.facts.publication.licence = "none stated (from NIST Special Database 19)";
  k.facts.publication.citation =
      "Cohen, Afshar, Tapson, van Schaik: EMNIST: an extension of MNIST to handwritten letters, "
      "arXiv:1702.05373, 2017";
  return k;
}

Publication published_cifar(const PublishedFile& archive) {
  return {{archive},
          {"https://www.cs.toronto.edu/~kriz/",
           "https://mindspore-website.obs.cn-north-4.myhuaweicloud.com/notebook/datasets/"},
          "none stated",
          "Krizhevsky: Learning multiple layers of features from tiny images, technical report, "
          "University of Toronto, 2009"};
}

Known cifar10() {
  Known k;
  k.facts = {"cifar10", "CIFAR-10: small photos", 50000, 10000, 10, 32, 32, 3, "", {}};
  k.format = KnownFormat::cifar10;
  k.class_names = words("airplane automobile bird cat deer dog frog horse ship truck");
  k.mean = {0.4914f, 0.4822f, 0.4465f};
  k.std = {0.2470f, 0.2435f, 0.2616f};
  k.flips = true;
  k.folders = {"cifar10", "cifar-10", "cifar-10-batches-bin", ""};
  k.facts.publication =
      published_cifar({"cifar-10-binary.tar.gz", 170052171,
                       "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"});
  return k;
}

Known cifar100() {
  Known k;
  k.facts = {"cifar100", "CIFAR-100: small photos", 50000, 10000, 100, 32, 32, 3, "", {}};
  k.format = KnownFormat::cifar100;
  k.class_names = cifar100_names();
  k.mean = {0.5071f, 0.4865f, 0.4409f};
  k.std = {0.2673f, 0.2564f, 0.2762f};
  k.flips = true;
  k.folders = {"cifar100", "cifar-100", "cifar-100-binary", ""};
  k.facts.publication =
      published_cifar({"cifar-100-binary.tar.gz", 168513733,
                       "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"});
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

}  // namespace taxon
