/* What the files of the public interface share. */
#ifndef WF_RUNTIME_SCHED_ENGINE_IMPL_H
#define WF_RUNTIME_SCHED_ENGINE_IMPL_H

#include "runtime/sched/engine.h"
#include "runtime/store/store.h"

Store *engine_store(Engine *e);

#endif
