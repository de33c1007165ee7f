/* audit.h - an audit is its result.json: what prints it reads what a user would. */
#ifndef GR_LAB_AUDIT_H
#define GR_LAB_AUDIT_H

#include <jansson.h>

#include "gradroute/lab.h"
#include "measure/measure.h"

struct gr_audit {
    json_t *result;
};

#endif
