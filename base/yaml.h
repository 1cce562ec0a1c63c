/* YAML as JSON: the only place that knows libyaml. */
#ifndef WF_BASE_YAML_H
#define WF_BASE_YAML_H

#include "base/str.h"

/* Appends the first document of a YAML text as JSON. Plain scalars are read by the core schema of YAML 1.2: null, true, false,
   ints, floats, else strings. Aliases are refused, and depth above 200; a mapping's keys are texts. False with the reason and the
   line (from 1) in `why`. Linear. */
bool yaml_to_json(Str text, Buf *out, Buf *why);

#endif
