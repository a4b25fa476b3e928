/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_WIRE_INT_H
#define WIRE_WIRE_INT_H
/*
 * What writing and reading agree on.
 */
#include <base/buf.h>
#include <wire/wire.h>

#define HEAD_BYTES      6u
#define HEAD_REQUIRED   0x8000u

/* wire_size - the size that a row's member must have. */
static inline size_t
wire_size(const struct wire_field *f)
{
	switch ((enum wire_kind)f->kind) {
	case WIRE_KIND_U8:
	case WIRE_KIND_BOOL:
		return (1);
	case WIRE_KIND_U16:
		return (2);
	case WIRE_KIND_U32:
	case WIRE_KIND_I32:
		return (4);
	case WIRE_KIND_U64:
	case WIRE_KIND_I64:
		return (8);
	case WIRE_KIND_SPAN:
		return (sizeof(struct span));
	case WIRE_KIND_BUF:
		return (sizeof(struct buf));
	case WIRE_KIND_RAW:
	case WIRE_KIND_END:
		break;
	}
	return (f->size);
}
#endif
