// packet_units.cc - what comes in from outside: packets, arguments, options, keys.
#include "units.h"

#include <stdio.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/arguments.h"
#include "agent/json.h"
#include "agent/options.h"
#include "agent/protocol.h"

using namespace agent;

TEST(a_packet_is_read_as_it_was_written) {
  Writer writer;
  writer.put<int32_t>(-5).put<uint64_t>(1).text("two words");
  Reader reader(writer.bytes().data(), writer.bytes().size());
  CHECK(reader.get<int32_t>() == -5);
  CHECK(reader.get<uint64_t>() == 1);
  CHECK(reader.text() == "two words");
  CHECK(reader.ok() && reader.left() == 0);
  CHECK(reader.get<int32_t>() == 0 && !reader.ok());
}

TEST(a_length_beyond_the_packet_is_refused) {
  for (uint64_t length : {uint64_t{9}, uint64_t{1} << 40, ~uint64_t{0}}) {
    Writer writer;
    writer.put(length).put<uint64_t>(0);
    Reader reader(writer.bytes().data(), writer.bytes().size());
    CHECK(reader.text().empty() && !reader.ok());
  }
}

TEST(arguments_have_their_types) {
  Writer writer;
  writer.put<int32_t>(4);
  writer.put<int32_t>(kTypeInt).put<int64_t>(7);
  writer.put<int32_t>(kTypeRawString).text("name");
  writer.put<int32_t>(kTypeTensor).put<uint64_t>(4096).put<int32_t>(1).put<int32_t>(0).put<int32_t>(2);
  writer.put<uint8_t>(2).put<uint8_t>(32).put<uint16_t>(1).put<int64_t>(3).put<int64_t>(5).put<uint64_t>(16);
  writer.put<int32_t>(kTypeNone);
  Reader reader(writer.bytes().data(), writer.bytes().size());
  Arguments arguments;
  arguments.read(reader);
  int64_t number = 0;
  std::string text;
  const Tensor *tensor = nullptr;
  CHECK(reader.ok() && reader.left() == 0 && arguments.count() == 4);
  CHECK(!arguments.integer(0, &number) && number == 7);
  CHECK(!arguments.text(1, &text) && text == "name");
  CHECK(!arguments.tensor(2, &tensor) && tensor->bytes() == 60);
  CHECK(reinterpret_cast<uint64_t>(tensor->data()) == 4096 + 16);
  CHECK(arguments.values()[2].v_ptr == &tensor->view && tensor->view.shape == tensor->shape.data());
  CHECK(arguments.integer(1, &number).sentence() == "argument 1 is not an integer");
  CHECK(arguments.text(9, &text).sentence() == "argument 9 is not a text");
}

TEST(arguments_of_random_bytes_never_run_out_of_the_packet) {
  for (int round = 0; round < 20000; ++round) {
    char bytes[64];
    // Mostly small numbers: they are type indices and lengths.
    for (char &byte : bytes) byte = static_cast<char>(pseudo_random() % (pseudo_random() % 3 == 0 ? 256 : 13));
    memset(bytes + 1, 0, 3);
    Reader reader(bytes, sizeof bytes);
    Arguments arguments;
    arguments.read(reader);
    CHECK(reader.left() <= sizeof bytes);
  }
}

TEST(json_is_escaped) {
  CHECK(json_text("a\"b\\c\n") == "\"a\\\"b\\\\c\\u000a\"");
  CHECK(JsonObject().add("n", -1).add("t", std::string("x")).json() == "{\"n\": -1, \"t\": \"x\"}");
  CHECK(json_list(std::vector<int>{1, 2}) == "[1, 2]" && json_list(std::vector<int>{}) == "[]");
}

TEST(match_keys_begin_with_the_key_and_never_repeat) {
  CHECK(new_match_key("phone").find("phone:") == 0);
  CHECK(new_match_key("phone").size() == 6 + 32 && new_match_key("phone") != new_match_key("phone"));
}

TEST(the_time_limit_of_a_client_is_read) {
  CHECK(timeout_option("client:phone:1 -timeout=2.5") == 2.5);
  CHECK(timeout_option("client:phone:1") == 0);
}

static Error parse(std::vector<const char *> words, Options *options) {
  words.insert(words.begin(), "agent");
  return read_options(static_cast<int>(words.size()), const_cast<char **>(words.data()), options);
}

TEST(options_listen_on_loopback_unless_told_otherwise) {
  Options options;
  CHECK(!parse({"--tracker", "10.0.0.1:9190", "--key", "phone"}, &options));
  CHECK(options.tracker.host == "10.0.0.1" && options.tracker.port == 9190);
  CHECK(options.listen.host == "127.0.0.1" && options.listen.port == 0 && options.session.shared_key.empty());
}

TEST(bad_options_are_told) {
  const struct {
    std::vector<const char *> words;
    const char *said;
  } cases[] = {
      {{"--key", "phone"}, "the option --tracker is missing"},
      {{"--tracker", "h:1"}, "the option --key is missing"},
      {{"--tracker", "nowhere"}, "nowhere is not HOST:PORT"},
      {{"--tracker", "h:70000"}, "the port must be a number from 1 to 65535, not 70000"},
      {{"--key", "a:b"}, "a key has no blanks, quotes or colons, as a:b does"},
      {{"--threads", "0"}, "the number of threads must be a number from 1 to 64, not 0"},
      {{"--what", "x"}, "there is no option --what"},
      {{"--key"}, "the option --key is unknown or lacks its value"},
      {{"--shared-key-file", "/dev/null"}, "the file /dev/null holds no shared key"},
  };
  for (const auto &entry : cases) {
    Options options;
    const Error error = parse(entry.words, &options);
    if (error.sentence() != entry.said) printf("said: %s\n", error.sentence().c_str());
    CHECK(error.sentence() == entry.said);
  }
}
