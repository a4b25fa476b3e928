/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILT_INT_H
#define FILT_INT_H
/*
 * filt_int - what the files of this room share.
 */
#include <filt/filt.h>
#include <px/px.h>

struct filt_cfg {                       /* slot of a proxy */
	struct filt *first;             /* in order */
};
PX_SLOT_DECLARE(filt_slot);
#endif
