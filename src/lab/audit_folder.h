/* audit_folder.h - the folder of an audit: its models, each a run in a folder of its own, and what was made of them. */
#ifndef GR_LAB_AUDIT_FOLDER_H
#define GR_LAB_AUDIT_FOLDER_H

#include "task/output.h"

extern const gr__folder_kind gr__folder_of_audits;

#endif
