/* Any bytes are checked to the end: findings render, and are errors exactly when the check fails. What passes is lowered, and
   the flow graph is sound before and after its passes. */
#include "compiler/ir/lower.h"
#include "compiler/pass/pass.h"
#include "compiler/source/render.h"

#include <stdio.h>
#include <stdlib.h>

extern const EmbeddedFile stdlib_files[];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Sources sources;
    Atoms atoms;
    Types types;
    Diags diags;
    Sema sema;
    sources_init(&sources);
    atoms_init(&atoms);
    types_init(&types, &atoms);
    diags_init(&diags);
    FileId file = sources_add(&sources, STR("fuzz.wf"), (Str){(const char *)data, size});

    bool ok = sema_check(&sema, &sources, &atoms, &types, &diags, stdlib_files, file, true);
    if (ok != (diags.nerrors == 0)) abort();
    diags_sort(&diags);
    Buf out = BUF_INIT;
    for (uint32_t i = 0; i < diags.list.len && i < 20; i++) render_text(&out, &sources, &diags.list.data[i], (RenderOptions){0});
    render_json(&out, &sources, &diags);
    if (utf8_valid(out.p, out.n) != out.n) abort();

    if (ok) {
        Flow flow;
        Buf why = BUF_INIT;
        flow_init(&flow, &atoms, &types, &sources);
        lower_program(&flow, &sema);
        if (!flow_verify(&flow, &why) || !passes_run(&flow, NULL, &why) || !flow_verify(&flow, &why)) {
            fprintf(stderr, "%s\n", buf_cstr(&why));
            abort();
        }
        buf_clear(&out);
        flow_dump(&out, &flow);
        flow_free(&flow);
        buf_free(&why);
    }

    buf_free(&out);
    sema_free(&sema);
    diags_free(&diags);
    types_free(&types);
    atoms_free(&atoms);
    sources_free(&sources);
    return 0;
}
