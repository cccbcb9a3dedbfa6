// CSV manifests.
#include "catch.h"

#include <taxon/data/sources.h>

#include "data_test.h"

using namespace taxon;
using namespace taxon::test;

namespace {

// A folder with images a.png to f.png and one manifest.
struct Case {
  Case() {
    for (const char* name : {"a", "b", "c", "d", "e", "f"}) {
      folder.write(std::string("set/") + name + ".png", encode_png(pattern(6, 9, 3)));
    }
  }
  std::string file(std::string_view content) { return folder.write("set/m.csv", content); }
  Splits open(std::string_view content, const DataOptions& o = {}) {
    return open_dataset(file(content), o);
  }
  template <class E = FormatError>
  std::string error(std::string_view content, const DataOptions& o = {}) {
    return error_of<E>([&] { open(content, o); });
  }
  Folder folder;
};

DataOptions with_task(Task task) {
  DataOptions o;
  o.task = task;
  return o;
}

std::vector<int> hot(const DatasetPtr& data, std::int64_t i) {
  return {data->labels(i).begin(), data->labels(i).end()};
}

}  // namespace

TEST_CASE("single label, with splits") {
  Case c;
  const Splits s = c.open(
      "\xef\xbb\xbf"
      "filename,label,split\r\na.png,dog,train\r\nb.png,cat,train\r\n\r\nc.png,dog,valid\r\n"
      "\"d.png\",\"cat\",test");
  CHECK(s.format == "csv");
  CHECK(s.name == "set-m");
  CHECK(s.task == Task::single);
  CHECK(s.class_names == std::vector<std::string>{"cat", "dog"});
  CHECK(s.train->size() == 2);
  CHECK(s.train->label(0) == 1);
  CHECK(s.val->label(0) == 1);
  CHECK(s.test->label(0) == 0);
  CHECK(s.test->id(0) == "d.png");
  CHECK(s.test->image(0) == pattern(6, 9, 3));
}

TEST_CASE("several labels, and a separator of choice") {
  Case c;
  const std::string rows =
      "filename,labels,split\na.png,dog|cat,train\nb.png,,train\nc.png,emu,test\n";
  const Splits s = c.open(rows);
  CHECK(s.task == Task::multi);
  CHECK(s.class_names == std::vector<std::string>{"cat", "dog", "emu"});
  CHECK(hot(s.train, 0) == std::vector<int>{1, 1, 0});
  CHECK(hot(s.train, 1) == std::vector<int>{0, 0, 0});
  CHECK(s.val == nullptr);
  DataOptions o;
  o.label_sep = ";";
  CHECK(c.open("filename,labels\na.png,x; y\nb.png,y\nc.png,x\nd.png,x\n", o).class_names ==
        std::vector<std::string>{"x", "y"});
  o.label_sep = "";
  CHECK_THROWS_AS(c.open(rows, o), OptionError);
}

TEST_CASE("one column a class") {
  Case c;
  const Splits s =
      c.open("filename, b, a ,split\na.png,1,0,train\nb.png,0,0,train\nc.png,1,1,test\n");
  CHECK(s.task == Task::multi);
  CHECK(s.class_names == std::vector<std::string>{"b", "a"});
  CHECK(hot(s.test, 0) == std::vector<int>{1, 1});
  CHECK(contains(c.error("filename,lable\na.png,cat\n"),
                 "column 'lable' is 'cat', expected 0 or 1 (did you mean 'label'?)"));
}

TEST_CASE("the task may be told") {
  Case c;
  const std::string one = "filename,label,split\na.png,x|y,train\n";
  CHECK(c.open(one).class_names == std::vector<std::string>{"x|y"});
  CHECK(c.open(one, with_task(Task::multi)).class_names == std::vector<std::string>{"x", "y"});
  const Splits s = c.open("filename,x,y,split\na.png,0,1,train\n", with_task(Task::single));
  CHECK(s.train->label(0) == 1);
  CHECK(contains(c.error("filename,x,y\na.png,1,1\n", with_task(Task::single)),
                 "line 2: a.png has 2 labels (x, y), expected exactly one"));
  CHECK(contains(c.error("filename,labels\na.png,\n", with_task(Task::single)),
                 "has 0 labels, expected exactly one"));
}

TEST_CASE("without a split column the rows are divided by the seed") {
  Case c;
  std::string rows = "filename,label\n";
  for (const char* name : {"a", "b", "c", "d", "e", "f"}) {
    rows += std::string(name) + ".png,x\n";
  }
  const Splits s = c.open(rows);
  CHECK(s.divided);
  CHECK((s.train->size() == 4 && s.val->size() == 1 && s.test->size() == 1));
  CHECK(s.fingerprint() == c.open(rows).fingerprint());
}

TEST_CASE("bad manifests are named, with line, what was found and expected") {
  Case c;
  CHECK(contains(c.error("filename,label,split\na.png,x,train\nb.png,x,tests\n"),
                 "m.csv: line 3: split 'tests' is unknown (did you mean 'test'?), expected one of: "
                 "train, val, valid, validation, test"));
  CHECK(contains(c.error("filename,label,split\na.png,x,\n"), "line 2: split '' is unknown"));
  CHECK(contains(c.error<IoError>("filename,label\na.png,x\nz.png,x\ny.png,x\n"),
                 "line 3: no such file: " + (c.folder / "set/z.png") + " (and 1 more)"));
  CHECK(contains(c.error("filename,label,label\na.png,x,x\n"), "column 'label' appears twice"));
  CHECK(contains(c.error("filename,label\na.png\n"), "line 2: 1 fields, expected 2"));
  CHECK(contains(c.error("filename,label\na.png,\n"), "line 2: a.png has 0 labels"));
  CHECK(contains(c.error("filename,label\n,x\n"), "line 2: no file name"));
  CHECK(contains(c.error("file,label\na.png,x\n"), "no column 'filename'"));
  CHECK(contains(c.error("filename;label\na.png;x\n"), "not semicolons"));
  CHECK(contains(c.error("filename,,x\n"), "column 2 of the header has no name"));
  CHECK(contains(c.error("filename,split\na.png,train\n"), "no column of labels"));
  CHECK(contains(c.error("filename,label,x\na.png,c,1\n"), "column 'label' beside 1 more"));
  CHECK(contains(c.error("filename,label\n"), "no rows below the header"));
  CHECK(contains(c.error(""), "empty, expected a header"));
  CHECK(
      contains(c.error("filename,label\n\"a.png,x\n"), "line 2: a quoted field that does not end"));
  CHECK(contains(c.error("filename,label\n\"a.png\"b,x\n"), "text after a closing quote"));
  CHECK(contains(c.error("\xff\xfe"
                         "f"),
                 "UTF-16"));
  CHECK(contains(c.error(std::string_view("filename\0", 9)), "zero bytes"));
  CHECK(contains(c.error("filename,labels\na.png,\n"), "no row has a label"));
  CHECK(contains(c.error("filename,label,split\na.png,x,train\nb.png,y,test\n"),
                 "class 'y' has 1 samples in test and none in train"));
  CHECK(contains(c.error("filename,label,split\na.png,x,test\n"), "no train split"));
}

TEST_CASE("quoted fields hold commas, quotes and line ends") {
  Case c;
  c.folder.write("set/a,\"b\".png", encode_png(pattern(2, 2, 1)));
  const Splits s =
      c.open("filename,label,split\n\"a,\"\"b\"\".png\",\"one\ntwo\",train\nb.png,x,train\n");
  CHECK(s.train->id(0) == "a,\"b\".png");
  CHECK(s.class_names[0] == "one\ntwo");
}

TEST_CASE("a file in two splits is worth a warning") {
  Case c;
  const Splits s = c.open("filename,label,split\na.png,x,train\na.png,x,test\n");
  REQUIRE(s.warnings.size() == 2);
  CHECK(contains(s.warnings[0], "line 3: a.png is in test and, line 2, in train"));
}

TEST_CASE("a manifest is found below the data dir") {
  Case c;
  c.file("filename,label,split\na.png,x,train\n");
  DataOptions o;
  o.data_dir = c.folder.path();
  CHECK(open_dataset("set/m.csv", o).train->size() == 1);
}
