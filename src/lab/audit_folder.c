#include "lab/audit_folder.h"

#include <string.h>

#include "base/mem.h"
#include "lab/arms.h"

/* Beside its models, which stand under the names of the arms. */
static bool writes(const char *name) {
    static const char *const names[] = {"data", "relearn-*.jsonl", "recipe.yaml", "result.json", "folder.json", NULL};
    for (int k = 0; k < GR__ARMS; k++)
        if (strcmp(gr__arms[k].name, name) == 0)
            return true;
    return gr__folder_matches(names, name);
}

/* Whether a folder holds a result, or a model of an audit. */
static bool has_work(const char *folder) {
    bool found = gr__folder_holds(folder, "result.json");
    for (int k = 0; k < GR__ARMS && !found; k++) {
        char *arm = gr_format("%s/%s", folder, gr__arms[k].name);
        found = gr__folder_of_runs.has_work(arm);
        gr_free(arm);
    }
    return found;
}

const gr__folder_kind gr__folder_of_audits = {"audit", "an audit", writes, has_work, NULL, false};

gr_status gr_output_check(const char *folder, gr_output_kind kind, const gr_recipe *recipe, bool resume,
                          gr_error *err) {
    return gr__output_look(folder, kind == GR_OUTPUT_RUN ? &gr__folder_of_runs : &gr__folder_of_audits, recipe, resume,
                           err);
}
