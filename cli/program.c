#include "cli/program.h"

#include "base/io.h"
#include "compiler/ir/lower.h"
#include "compiler/pass/pass.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern const EmbeddedFile stdlib_files[];

int program_check(Program *p, const char *path, const char *name, bool keep) {
    *p = (Program){0};
    sources_init(&p->sources);
    atoms_init(&p->atoms);
    types_init(&p->types, &p->atoms);
    diags_init(&p->diags);
    int e = 0;
    if (strcmp(path, "-") == 0) {
        Buf text = BUF_INIT;
        e = io_read_fd(STDIN_FILENO, SOURCE_MAX, &text);
        if (e == 0) p->file = sources_add(&p->sources, str_of(name), buf_view(&text));
        buf_free(&text);
    } else {
        e = sources_read(&p->sources, path, &p->file);
    }
    if (e != 0) return e;
    sema_check(&p->sema, &p->sources, &p->atoms, &p->types, &p->diags, stdlib_files, p->file, keep);
    p->checked = true;
    return 0;
}

bool program_lower(Program *p, const char *until, Buf *why) {
    flow_init(&p->flow, &p->atoms, &p->types, &p->sources);
    p->lowered = true;
    lower_program(&p->flow, &p->sema);
    return passes_run(&p->flow, until, why);
}

void program_free(Program *p) {
    if (p->lowered) flow_free(&p->flow);
    if (p->checked) sema_free(&p->sema);
    diags_free(&p->diags);
    types_free(&p->types);
    atoms_free(&p->atoms);
    sources_free(&p->sources);
}

void program_explain(Program *p, const Cli *cli, const char *done) {
    Buf out = BUF_INIT;
    Severity shown = p->diags.nerrors > 0 ? SEV_ERROR : SEV_WARNING;
    for (uint32_t i = 0; i < p->diags.list.len; i++) {
        if (p->diags.list.data[i].severity != shown) continue;
        render_text(&out, &p->sources, &p->diags.list.data[i], (RenderOptions){.color = cli->color_err, .unicode = cli->tty_err});
        buf_addc(&out, '\n');
    }
    uint32_t n = p->diags.nerrors;
    if (n > 0) buf_printf(&out, "%u error%s: nothing was %s\n", n, n == 1 ? "" : "s", done);
    io_write_all(STDERR_FILENO, buf_view(&out));
    buf_free(&out);
}

int program_report(Program *p, const Cli *cli, const char *format, bool deny) {
    Buf out = BUF_INIT;
    bool text = format == NULL || strcmp(format, "text") == 0;
    if (text) {
        for (uint32_t i = 0; i < p->diags.list.len; i++) {
            render_text(&out, &p->sources, &p->diags.list.data[i], (RenderOptions){.color = cli->color_out, .unicode = cli->tty_out});
            buf_addc(&out, '\n');
        }
        uint32_t e = p->diags.nerrors, w = p->diags.nwarnings;
        if (e + w > 0)
            buf_printf(&out, "%u error%s, %u warning%s\n", e, e == 1 ? "" : "s", w, w == 1 ? "" : "s");
    } else if (strcmp(format, "line") == 0) {
        for (uint32_t i = 0; i < p->diags.list.len; i++) render_line(&out, &p->sources, &p->diags.list.data[i]);
    } else {
        render_json(&out, &p->sources, &p->diags);
    }
    bool ok = cli_out(buf_view(&out));
    buf_free(&out);
    if (!ok) return EXIT_INTERNAL;
    return p->diags.nerrors > 0 || (deny && p->diags.nwarnings > 0) ? EXIT_FINDINGS : EXIT_FINE;
}
