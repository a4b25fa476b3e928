/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strm_errors - the last malformed request and response of each proxy, kept
 * for "show errors".
 */
#include "strm_int.h"

#include <base/must.h>
#include <cnt/cnt.h>
#include <log/log.h>
#include <strm/errors.h>
#include <strm/strm.h>

#include <stdlib.h>
#include <string.h>

static struct strm_error *errors;       /* two per proxy: request, response */
static uint32_t last_no;

static struct strm_error *
slot_of(const struct px *px, bool response)
{
	if (errors == NULL) {
		errors = calloc(px_model->n_px, 2 * sizeof *errors);
		if (errors == NULL)
			return (NULL);
	}
	return (&errors[px->no * 2 + response]);
}

void
strm_malformed(struct mux_end *e, const struct px *px, struct span bytes,
    size_t at)
{
	struct strm_error *err = slot_of(px, !e->client);
	size_t n = bytes.n < STRM_ERROR_BYTES ? bytes.n : STRM_ERROR_BYTES;
	struct strm *st = e->strm;
	struct mux_end *cli = st != NULL && st->cli != NULL ? st->cli : e;

	if (err == NULL)
		return;
	if (err->bytes == NULL &&
	    (err->bytes = malloc(STRM_ERROR_BYTES)) == NULL)
		return;
	memcpy(err->bytes, bytes.p, n);
	err->n = (uint32_t)n;
	err->at = (uint32_t)(at < n ? at : n);
	err->px = px;
	err->response = !e->client;
	err->no = last_no++;
	err->wall_us = the_loop->wall_us;
	err->other = st == NULL ? NULL : e->client ? st->txn.be : st->txn.fe;
	err->srv = st == NULL ? NULL : st->txn.srv;
	err->peer = *conn_peer(cli->ops->conn(cli));
}

uint32_t
strm_errors_count(void)
{
	return (last_no);
}

void
strm_errors_each(void (*fn)(const struct strm_error *, void *), void *arg)
{
	if (errors == NULL)
		return;
	for (uint32_t i = 0; i < px_model->n_px * 2; i++)
		if (errors[i].px != NULL)
			fn(&errors[i], arg);
}
