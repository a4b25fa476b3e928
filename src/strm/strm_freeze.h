/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STRM_FREEZE_H
#define STRM_FREEZE_H
/*
 * strm_freeze - which fields of a stream and its facts cross a hand-over.
 *
 * One table serves both directions. Tags are never reused; a field that later
 * versions may do without is optional.
 */
#include "strm_int.h"

#include <wire/wire.h>

/* Of the stream itself: bit-fields have no address. */
struct frozen {
	uint8_t phase, conn_mode;
	bool tunnel, req_sent, req_done, res_head, res_done;
	bool cli_shut, srv_shut, logged, monitor, fresh_only, queued;
	uint16_t tries, reply_status;
	int64_t cli_seen_ms, srv_seen_ms, wait_until_ms;
	uint32_t up_held, down_held;
	uint64_t place;                 /* srv_queue_place() */
	uint64_t counted_in, counted_out;
	uint32_t calls;
	int64_t cpu_ns, lat_ns;
	int64_t cli_read_ms, srv_read_ms;       /* 0: not kept */
};

static const struct wire_field strm_frozen_fields[] = {
	WIRE(1,  U8,   WIRE_REQUIRED, struct frozen, phase),
	WIRE(2,  U8,   WIRE_REQUIRED, struct frozen, conn_mode),
	WIRE(3,  BOOL, WIRE_REQUIRED, struct frozen, tunnel),
	WIRE(4,  BOOL, WIRE_REQUIRED, struct frozen, req_sent),
	WIRE(5,  BOOL, WIRE_REQUIRED, struct frozen, req_done),
	WIRE(6,  BOOL, WIRE_REQUIRED, struct frozen, res_head),
	WIRE(7,  BOOL, WIRE_REQUIRED, struct frozen, res_done),
	WIRE(8,  BOOL, WIRE_REQUIRED, struct frozen, cli_shut),
	WIRE(9,  BOOL, WIRE_REQUIRED, struct frozen, srv_shut),
	WIRE(10, BOOL, WIRE_REQUIRED, struct frozen, logged),
	WIRE(11, BOOL, WIRE_REQUIRED, struct frozen, monitor),
	WIRE(12, BOOL, WIRE_REQUIRED, struct frozen, fresh_only),
	WIRE(13, BOOL, WIRE_REQUIRED, struct frozen, queued),
	WIRE(14, U16,  WIRE_REQUIRED, struct frozen, tries),
	WIRE(15, U16,  WIRE_REQUIRED, struct frozen, reply_status),
	WIRE(16, I64,  WIRE_REQUIRED, struct frozen, cli_seen_ms),
	WIRE(17, I64,  WIRE_REQUIRED, struct frozen, srv_seen_ms),
	WIRE(18, I64,  WIRE_REQUIRED, struct frozen, wait_until_ms),
	WIRE(19, U32,  WIRE_REQUIRED, struct frozen, up_held),
	WIRE(20, U32,  WIRE_REQUIRED, struct frozen, down_held),
	WIRE(21, U64,  WIRE_REQUIRED, struct frozen, place),
	WIRE(22, U64,  WIRE_REQUIRED, struct frozen, counted_in),
	WIRE(23, U64,  WIRE_REQUIRED, struct frozen, counted_out),
	WIRE(33, U32,  WIRE_OPTIONAL, struct frozen, calls),
	WIRE(34, I64,  WIRE_OPTIONAL, struct frozen, cpu_ns),
	WIRE(35, I64,  WIRE_OPTIONAL, struct frozen, lat_ns),
	WIRE(37, I64,  WIRE_OPTIONAL, struct frozen, cli_read_ms),
	WIRE(38, I64,  WIRE_OPTIONAL, struct frozen, srv_read_ms),
	/* not frozen: running, again, granted (the other one asks again),
	 * entered, backend_rules, list (all rules have run), begin_why,
	 * grant_why, id (each worker counts its own) */
	WIRE_END
};

static const struct wire_field strm_kept_fields[] = {
	WIRE(1, BUF,  WIRE_OPTIONAL, struct strm_kept, buf),
	WIRE(2, U64,  WIRE_REQUIRED, struct strm_kept, at),
	WIRE(3, BOOL, WIRE_REQUIRED, struct strm_kept, off),
	WIRE(4, BOOL, WIRE_REQUIRED, struct strm_kept, whole),
	WIRE_END
};

static const struct wire_field strm_txn_fields[] = {
	WIRE(1,  RAW,  WIRE_REQUIRED, struct txn, addr),
	WIRE(2,  U8,   WIRE_REQUIRED, struct txn, stage),
	WIRE(3,  U8,   WIRE_REQUIRED, struct txn, meth),
	WIRE(4,  U8,   WIRE_REQUIRED, struct txn, req_minor),
	WIRE(5,  BOOL, WIRE_REQUIRED, struct txn, is_http),
	WIRE(6,  BOOL, WIRE_REQUIRED, struct txn, first),
	WIRE(7,  BOOL, WIRE_REQUIRED, struct txn, srv_reused),
	WIRE(8,  BOOL, WIRE_REQUIRED, struct txn, redispatched),
	WIRE(9,  BOOL, WIRE_REQUIRED, struct txn, tls),
	WIRE(10, U16,  WIRE_REQUIRED, struct txn, status),
	WIRE(11, U16,  WIRE_REQUIRED, struct txn, retries),
	WIRE(12, U32,  WIRE_REQUIRED, struct txn, req_no),
	WIRE(13, U64,  WIRE_REQUIRED, struct txn, req_body_bytes),
	WIRE(14, U64,  WIRE_REQUIRED, struct txn, res_body_bytes),
	WIRE(15, U32,  WIRE_REQUIRED, struct txn, q_srv),
	WIRE(16, U32,  WIRE_REQUIRED, struct txn, q_be),
	WIRE(17, RAW,  WIRE_REQUIRED, struct txn, cookie_term),
	WIRE(18, SPAN, WIRE_REQUIRED, struct txn, uri),
	WIRE(19, SPAN, WIRE_REQUIRED, struct txn, method_text),
	WIRE(20, SPAN, WIRE_REQUIRED, struct txn, uniq_id),
	WIRE(21, SPAN, WIRE_REQUIRED, struct txn, cap_cookie_req),
	WIRE(22, SPAN, WIRE_REQUIRED, struct txn, cap_cookie_res),
	WIRE(23, U8,   WIRE_REQUIRED, struct txn, log_level),
	WIRE(24, BOOL, WIRE_OPTIONAL, struct txn, cookie_same),
	WIRE(25, U32,  WIRE_OPTIONAL, struct txn, cookie_last),
	WIRE(26, U32,  WIRE_OPTIONAL, struct txn, cookie_first),
	WIRE(27, BOOL, WIRE_OPTIONAL, struct txn, cookie_off),
	WIRE(29, I32,  WIRE_OPTIONAL, struct txn, nice),
	WIRE(30, I32,  WIRE_OPTIONAL, struct txn, prio_class),
	WIRE(31, I32,  WIRE_OPTIONAL, struct txn, prio_ms),
	WIRE(41, U16,  WIRE_OPTIONAL, struct txn, retries_most),
	WIRE(42, BOOL, WIRE_OPTIONAL, struct txn, no_l7_retry),
	WIRE(43, U32,  WIRE_OPTIONAL, struct txn, bc.mark),
	WIRE(44, U8,   WIRE_OPTIONAL, struct txn, bc.tos),
	WIRE(45, U8,   WIRE_OPTIONAL, struct txn, bc.set),
	WIRE(48, RAW,  WIRE_OPTIONAL, struct txn, timeout_ms),  /* 28 was the
	                                                         * first three */
	WIRE(49, U8,   WIRE_OPTIONAL, struct txn, res_ver),
	WIRE(60, SPAN, WIRE_OPTIONAL, struct txn, rule_file),
	WIRE(61, I32,  WIRE_OPTIONAL, struct txn, rule_line),
	WIRE(62, U16,  WIRE_OPTIONAL, struct txn, srv_status),
	WIRE(47, SPAN, WIRE_OPTIONAL, struct txn, entity),
	WIRE(70, U64,  WIRE_OPTIONAL, struct txn, body_room),
	/* not frozen: service (answered here), fe, be, srv, listen (by name),
	 * req, res (messages),
	 * wait_over, cache_epoch, bytes_in, bytes_out, n_*, why, term (written
	 * at the end), cap_req, cap_res (written one by one) */
	WIRE_END
};

static const struct wire_field strm_times_fields[] = {
	WIRE(1,  I64, WIRE_REQUIRED, struct txn_times, accept),
	WIRE(2,  I64, WIRE_REQUIRED, struct txn_times, accept_wall),
	WIRE(3,  I64, WIRE_REQUIRED, struct txn_times, request_wall),
	WIRE(4,  I64, WIRE_REQUIRED, struct txn_times, handshake),
	WIRE(5,  I64, WIRE_REQUIRED, struct txn_times, idle_end),
	WIRE(6,  I64, WIRE_REQUIRED, struct txn_times, request),
	WIRE(7,  I64, WIRE_REQUIRED, struct txn_times, queued),
	WIRE(8,  I64, WIRE_REQUIRED, struct txn_times, connected),
	WIRE(9,  I64, WIRE_REQUIRED, struct txn_times, response),
	WIRE(10, I64, WIRE_REQUIRED, struct txn_times, end),
	WIRE(11, I64, WIRE_REQUIRED, struct txn_times, tarpit),
	WIRE_END
};
#endif
