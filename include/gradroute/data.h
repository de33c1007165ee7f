/* data.h - from files of text to batches of rows, in one include: corpus.h, label.h and stream.h. */
#ifndef GRADROUTE_DATA_H
#define GRADROUTE_DATA_H

#include "gradroute/corpus.h"
#include "gradroute/label.h"
#include "gradroute/stream.h"

#endif
