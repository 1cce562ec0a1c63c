/* What the YAML writer writes is what a reader of YAML reads, whatever the text. */
#include "base/json.h"
#include "base/mem.h"
#include "base/yaml.h"
#include "compiler/backend/emit/yaml_out.h"
#include "tests/unit/test.h"

#include <stdlib.h>

static void reads_as(Buf *yaml, const char *want) {
    Buf json = BUF_INIT, why = BUF_INIT;
    if (!yaml_to_json(buf_view(yaml), &json, &why)) fprintf(stderr, "%s\n%s\n", buf_cstr(&why), buf_cstr(yaml)), test_failures++;
    else CHECK_STR(buf_view(&json), want);
    buf_free(&json);
    buf_free(&why);
    buf_clear(yaml);
}

static void structures(void) {
    Buf b = BUF_INIT;
    YamlOut y = yaml_open(&b);
    yaml_document(&y);
    yaml_map(&y);
    yaml_pair_z(&y, "kind", "Workflow");
    yaml_key(&y, "empty");
    yaml_list(&y);
    yaml_end(&y);
    yaml_key(&y, "none");
    yaml_map(&y);
    yaml_end(&y);
    yaml_key(&y, "list");
    yaml_list(&y);
    yaml_z(&y, "a");
    yaml_list(&y);
    yaml_int(&y, -3);
    yaml_bool(&y, true);
    yaml_end(&y);
    yaml_map(&y);
    yaml_pair_int(&y, "x", 1);
    yaml_key(&y, "deep");
    yaml_map(&y);
    yaml_pair_z(&y, "y", "2");
    yaml_end(&y);
    yaml_end(&y);
    yaml_list(&y);
    yaml_end(&y);
    yaml_end(&y);
    yaml_key(&y, "flow");
    yaml_flow_map(&y);
    yaml_pair_z(&y, "a", "{b, c: d}");
    yaml_key(&y, "l");
    yaml_list(&y);
    yaml_int(&y, 1);
    yaml_z(&y, "]");
    yaml_end(&y);
    yaml_end(&y);
    yaml_key(&y, "flows");
    yaml_list(&y);
    yaml_flow_map(&y);
    yaml_pair_bool(&y, "on", false);
    yaml_end(&y);
    yaml_flow_list(&y);
    yaml_end(&y);
    yaml_end(&y);
    yaml_key_str(&y, STR("odd key: {{x}} #"));
    yaml_z(&y, "true");
    yaml_end(&y);
    reads_as(&b, "{\"kind\":\"Workflow\",\"empty\":[],\"none\":{},\"list\":[\"a\",[-3,true],{\"x\":1,\"deep\":{\"y\":\"2\"}},[]],"
                 "\"flow\":{\"a\":\"{b, c: d}\",\"l\":[1,\"]\"]},\"flows\":[{\"on\":false},[]],\"odd key: {{x}} #\":\"true\"}");
    buf_free(&b);
}

/* One text as a quoted scalar, as a block and as a key. */
static void carries(Str s) {
    Buf b = BUF_INIT, want = BUF_INIT;
    YamlOut y = yaml_open(&b);
    yaml_comment(&y, s);
    yaml_map(&y);
    yaml_pair(&y, "quoted", s);
    yaml_key(&y, "nested");
    yaml_map(&y);
    yaml_key(&y, "block");
    yaml_block(&y, s);
    yaml_key(&y, "list");
    yaml_list(&y);
    yaml_block(&y, s);
    yaml_str(&y, s);
    yaml_end(&y);
    yaml_end(&y);
    yaml_key_str(&y, s.n > 100 ? STR("long") : s);
    yaml_int(&y, 1);
    yaml_end(&y);
    buf_z(&want, "{\"quoted\":");
    json_string(&want, s);
    buf_z(&want, ",\"nested\":{\"block\":");
    json_string(&want, s);
    buf_z(&want, ",\"list\":[");
    json_string(&want, s);
    buf_addc(&want, ',');
    json_string(&want, s);
    buf_z(&want, "]},");
    json_string(&want, s.n > 100 ? STR("long") : s);
    buf_z(&want, ":1}");
    reads_as(&b, buf_cstr(&want));
    buf_free(&want);
    buf_free(&b);
}

static void hostile(void) {
    static const char *const texts[] = {"", " ", "\n", "\n\n", "a\n", "a\n\n", "a\nb", " a\nb\n", "\ta\n", "a\n b\n  c\n", "a \nb\t\n", "---\na\n", "...\n", "# x\ny\n",
        "- a\n- b\n", "'\"`\\ \\n", "a: b", "{{7*7}}\n{{workflow.name}}", "true", "null", "~", "1_000", "0x1F", "1e3", "2026-01-01", "yes", "=", "<<", "*a", "&a", "!t",
        "%d", "@x", "`", "a #b", "a\r\nb\n", "\x01\x7f\x1b", "\xc2\x85 \xe2\x80\xa8 \xe2\x80\xae \xef\xbb\xbf", "\xf0\x9f\x98\x80 gr\xc3\xbc\xc3\x9f\n\xe6\x97\xa5\n", "\xf3\xa0\x80\x81",
        "\xef\xbf\xbe", "x\n\n\n", "a\n#b\n", "| x", "> x\n y\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) carries(str_of(texts[i]));
}

/* Texts of bytes that matter, valid UTF-8, from a fixed seed. */
static void random_texts(void) {
    static const char *const parts[] = {"a", "b", " ", "\n", "\t", ":", "#", "-", "{", "}", "[", "]", "'", "\"", "\\", "|", ">", "%", "&", "*", "!", "\r", "\x01",
        "\xc3\xa4", "\xe2\x80\xa9", "\xf0\x9f\x90\x8d", ",", "?", "~", "=", "0", "."};
    uint64_t seed = 42;
    Buf s = BUF_INIT;
    for (int i = 0; i < 4000; i++) {
        buf_clear(&s);
        for (uint64_t n = test_random(&seed) % 16; n > 0; n--) buf_z(&s, parts[test_random(&seed) % (sizeof parts / sizeof *parts)]);
        carries(s.n > 0 ? buf_view(&s) : STR(""));
    }
    buf_free(&s);
}

int main(void) {
    structures();
    hostile();
    random_texts();
    return test_end();
}
