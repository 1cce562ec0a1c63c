/* Annotation arguments as the flow graph carries them: one row in settings.def per (annotation, parameter). */
#ifndef WF_IR_SETTINGS_H
#define WF_IR_SETTINGS_H

typedef enum Setting {
#define SETTING(key, annotation, param) SET_##key,
#include "compiler/ir/settings.def"
#undef SETTING
    SET_COUNT
} Setting;

/* "retry" and "delay" of SET_RETRY_DELAY. */
const char *setting_annotation(Setting s);
const char *setting_param(Setting s);

#endif
