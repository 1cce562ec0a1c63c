/* Positions, the model of a finding and its renderings, over two texts with labels in both. */
#include "compiler/source/render.h"

#include "base/json.h"
#include "tests/unit/test.h"

static Sources s;
static Diags ds;

static Span at(FileId file, const char *word) {
    Str text = s.file[file].text;
    const char *p = strstr(text.p, word);
    return (Span){file, (uint32_t)(p - text.p), (uint32_t)strlen(word)};
}

static void positions(void) {
    FileId f = sources_add(&s, STR("pos.wf"), STR("\xEF\xBB\xBF" "ab\r\ncd\re\n\nü=1"));
    CHECK_INT(source_line_col(&s, f, 3).col, 1); /* the byte order mark takes no column */
    CHECK_INT(source_line_col(&s, f, 4).col, 2);
    CHECK_INT(source_line_col(&s, f, 7).line, 2);
    CHECK_INT(source_line_col(&s, f, 10).line, 3);
    LineCol end = source_line_col(&s, f, (uint32_t)s.file[f].text.n);
    CHECK_INT(end.line, 5);
    CHECK_INT(end.col, 4); /* code points, not bytes */
    CHECK_STR(source_line(&s, f, 2), "cd");
    CHECK_STR(source_line(&s, f, 5), "ü=1");
    CHECK_STR(source_line(&s, f, 6), "");
    CHECK_INT(source_line_start(&s, f, 3), 10);
    CHECK_INT(sources_find(&s, STR("pos.wf")), f);
    CHECK_INT(sources_find(&s, STR("other.wf")), 0);
    Span both = span_cover((Span){f, 3, 2}, (Span){f, 7, 1});
    CHECK_INT(both.off, 3);
    CHECK_INT(both.len, 5);
}

static void codes(void) {
    CHECK_INT(diag_code_parse(STR("WF0011")), WF_E_unknown_unit);
    CHECK_INT(diag_code_parse(STR("0011")), WF_E_unknown_unit);
    CHECK_INT(diag_code_parse(STR("unknown-unit")), WF_E_unknown_unit);
    CHECK_INT(diag_code_parse(STR("WF0000")), 0);
    CHECK_Z(diag_code_slug(WF_E_unknown_unit), "unknown-unit");
    const Str names[] = {STR("prepare"), STR("score"), STR("scores")};
    CHECK_INT(diag_nearest(STR("prepair"), names, 3), 0);
    CHECK_INT(diag_nearest(STR("scroe"), names, 3), 1);
    CHECK_INT(diag_nearest(STR("x"), names, 3), -1);
    CHECK_INT(diag_nearest(STR("publish"), names, 3), -1);
}

static void labels_in_two_files(void) {
    FileId a = sources_add(&s, STR("main.wf"), STR("import \"lib.wf\" as lib\n\n\nworkflow w() {\n\tx = lib.f(\"表\", count: 3)\n\ty = lib.f(x, x)\n}\n"));
    FileId b = sources_add(&s, STR("lib.wf"), STR("step f(name: string, count: string)\nexec [\"f\"]\n"));
    Diag *d = diag_add(&ds, WF_E_syntax, at(a, "3)"), "expected `string`, found `%s`", "int");
    diag_here(&ds, d, "this is `int`");
    diag_label(&ds, d, at(a, "lib.f"), "of this call");
    diag_label(&ds, d, at(a, "import"), "from here");
    diag_label(&ds, d, at(b, "count: string"), "expected by this");
    diag_note(&ds, d, "one\ntwo");
    diag_help(&ds, d, "make it a string");
    diag_edit(&ds, d, (Span){a, at(a, "3)").off, 1}, "\"3\"");
    Buf out = BUF_INIT;
    render_text(&out, &s, d, (RenderOptions){0});
    CHECK_STR(buf_view(&out),
              "error[WF0036]: expected `string`, found `int`\n"
              " --> main.wf:5:24\n"
              "  |\n"
              "1 | import \"lib.wf\" as lib\n"
              "  | ------ from here\n"
              "...\n"
              "5 |     x = lib.f(\"表\", count: 3)\n"
              "  |         -----              ^^ this is `int`\n"
              "  |         |\n"
              "  |         of this call\n"
              " ::: lib.wf:1:22\n"
              "  |\n"
              "1 | step f(name: string, count: string)\n"
              "  |                      ------------- expected by this\n"
              "  = note: one\n"
              "          two\n"
              "help: make it a string\n"
              "5 -     x = lib.f(\"表\", count: 3)\n"
              "5 +     x = lib.f(\"表\", count: \"3\")\n");
    buf_clear(&out);
    render_text(&out, &s, d, (RenderOptions){.color = true, .unicode = true});
    CHECK(strstr(buf_cstr(&out), "\033[1;31merror[WF0036]\033[0m") != NULL && strstr(buf_cstr(&out), "╭─") != NULL);
    buf_clear(&out);
    render_line(&out, &s, d);
    CHECK_STR(buf_view(&out), "main.wf:5:24: error: expected `string`, found `int` [WF0036]\n");
    buf_clear(&out);
    render_json(&out, &s, &ds);
    JsonIn j = json_in((Str){buf_cstr(&out), out.n - 1});
    CHECK(json_skip(&j) && json_end(&j));
    json_in_free(&j);
    CHECK(strstr(out.p, "\"slug\":\"syntax\"") != NULL && strstr(out.p, "\"start\":{\"offset\":65,\"line\":5,\"column\":24}") != NULL);
    buf_free(&out);
}

static void order(void) {
    Diags list;
    diags_init(&list);
    diag_add(&list, WF_E_syntax, (Span){1, 5, 1}, "b");
    diag_add(&list, WF_E_syntax, (Span){1, 2, 1}, "a");
    diag_add(&list, WF_E_syntax, (Span){1, 5, 1}, "b"); /* the same again */
    list.muted++;
    diag_note(&list, diag_add(&list, WF_E_syntax, (Span){1, 1, 1}, "muted"), "dropped");
    list.muted--;
    diags_sort(&list);
    CHECK_INT(list.list.len, 2);
    CHECK_INT(list.nerrors, 2);
    CHECK_Z(list.list.data[0].message, "a");
    diags_truncate(&list, 1);
    CHECK_INT(list.nerrors, 1);
    diags_free(&list);
}

int main(void) {
    sources_init(&s);
    diags_init(&ds);
    positions();
    codes();
    labels_in_two_files();
    order();
    diags_free(&ds);
    sources_free(&s);
    return test_end();
}
