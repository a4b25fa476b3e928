/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ipc_report - what old workers say of their handing over.
 */
#include <stdlib.h>
#include <string.h>

#include <base/must.h>
#include <base/num.h>
#include <base/text.h>
#include <ipc/report.h>

static void
make_room(struct ipc_report *r, uint32_t n)
{
	r->rows = must_realloc(r->rows, (n + 1) * sizeof *r->rows);
}

/* ---- reading ---- */

static void
keep_rows(struct ipc_report *r, const struct ipc_rows *head, struct span s)
{
	if (head->version != IPC_ROWS_VERSION || head->n > IPC_ROWS_MAX ||
	    s.n != head->n * sizeof *r->rows)
		return;
	make_room(r, head->n);
	r->n_rows = head->n;
	memcpy(r->rows, s.p, s.n);
	for (uint32_t i = 0; i < head->n; i++) {
		r->rows[i].kind[sizeof r->rows->kind - 1] = '\0';
		r->rows[i].why[sizeof r->rows->why - 1] = '\0';
	}
}

enum ipc_carry
ipc_report_read(struct ipc_report *r, struct span s)
{
	struct ipc_rows head = { 0 };

	memcpy(&r->said, s.p, sizeof r->said);
	s = span_skip(s, sizeof r->said);
	if (s.n < sizeof head)          /* the first release says no more */
		return (IPC_CARRY_PASSED);
	memcpy(&head, s.p, sizeof head);
	keep_rows(r, &head, span_skip(s, sizeof head));
	return ((enum ipc_carry)head.event);
}

/* ---- adding up ---- */

static void
add_row(struct ipc_report *sum, const struct ipc_row *r)
{
	uint32_t i;

	for (i = 0; i < sum->n_rows; i++)
		if (strcmp(sum->rows[i].kind, r->kind) == 0 &&
		    strcmp(sum->rows[i].why, r->why) == 0)
			break;
	if (i == IPC_ROWS_MAX)
		return;
	if (i == sum->n_rows) {
		make_room(sum, ++sum->n_rows);
		sum->rows[i] = *r;
		return;
	}
	sum->rows[i].carried += r->carried;
	sum->rows[i].left += r->left;
	sum->rows[i].closed += r->closed;
}

void
ipc_report_add(struct ipc_report *sum, const struct ipc_report *r)
{
	sum->said.carried += r->said.carried;
	sum->said.lingering += r->said.lingering;
	sum->said.refused += r->said.refused;
	for (uint32_t i = 0; i < r->n_rows; i++)
		add_row(sum, &r->rows[i]);
}

void
ipc_report_fini(struct ipc_report *r)
{
	free(r->rows);
	*r = (struct ipc_report){ .rows = NULL };
}

/* ---- printing ---- */

void
ipc_report_print(const struct ipc_report *r, struct text *t,
    const char *before, const char *after)
{
	for (uint32_t i = 0; i < r->n_rows; i++) {
		const struct ipc_row *row = &r->rows[i];
		const char *why = row->why[0] != '\0' ? row->why :
		    "no reason given";

		if (row->carried > 0)
			text_printf(t, "%s%s %u carried%s", before, row->kind,
			    row->carried, after);
		if (row->left > 0)
			text_printf(t, "%s%s %u stay: %s%s", before, row->kind,
			    row->left, why, after);
		if (row->closed > 0)
			text_printf(t, "%s%s %u closed: %s%s", before,
			    row->kind, row->closed, why, after);
	}
}

/* ---- over exec ---- */

/* What is closed has a line of its own: the first releases know none. */
void
ipc_report_save(const struct ipc_report *r, uint32_t gen, uint32_t worker,
    struct text *t)
{
	text_printf(t, "give %u %u %u %u %u\n", gen, worker, r->said.carried,
	    r->said.lingering, r->said.refused);
	for (uint32_t i = 0; i < r->n_rows; i++) {
		const struct ipc_row *row = &r->rows[i];

		if (row->carried > 0 || row->left > 0)
			text_printf(t, "row %u %u %u %u %s %s\n", gen, worker,
			    row->carried, row->left, row->kind, row->why);
		if (row->closed > 0)
			text_printf(t, "closed %u %u %u %s %s\n", gen, worker,
			    row->closed, row->kind, row->why);
	}
}

static bool
take_u32(struct span *left, uint32_t *out)
{
	struct span word;
	uint64_t v;

	if (!span_cut(left, ' ', &word) || !num_u64(word, &v) ||
	    v > UINT32_MAX)
		return (false);
	*out = (uint32_t)v;
	return (true);
}

/* The reason, which comes last, may have spaces. */
static bool
load_row(struct ipc_report *r, struct ipc_row *row, struct span rest)
{
	struct span kind;

	if (!span_cut(&rest, ' ', &kind) ||
	    !span_copy(row->kind, sizeof row->kind, kind) ||
	    !span_copy(row->why, sizeof row->why, rest) ||
	    r->n_rows >= IPC_ROWS_MAX)
		return (false);
	make_room(r, r->n_rows + 1);
	r->rows[r->n_rows++] = *row;
	return (true);
}

bool
ipc_report_load(struct ipc_report *r, struct span word, struct span rest)
{
	struct ipc_row row = { .kind = "" };

	if (span_is(word, "give"))
		return (take_u32(&rest, &r->said.carried) &&
		    take_u32(&rest, &r->said.lingering) &&
		    take_u32(&rest, &r->said.refused));
	if (span_is(word, "closed"))
		return (take_u32(&rest, &row.closed) &&
		    load_row(r, &row, rest));
	return (take_u32(&rest, &row.carried) && take_u32(&rest, &row.left) &&
	    load_row(r, &row, rest));
}
