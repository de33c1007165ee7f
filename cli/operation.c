/* What commands share that change a model. */
#include "operation.h"

#include "base/mem.h"

gr_status gr__operation_check_out(const gr__common *common, const char *data, const char *verify, gr_error *err) {
    char *from;
    GR_TRY(gr__model_path(&from, common->input, err));
    gr_status status = gr__output_apart(common->out, (const char *[]){from, data, verify}, 3, err);
    gr_free(from);
    GR_TRY(status);
    GR_TRY(gr__output_alone(common->out, err));
    return gr_bundle_check(common->out, err);
}
