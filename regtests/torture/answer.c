/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the answer to a request as it comes: head, then a body by length, by
 * chunks, or up to the end of the connection.  The server reads the bodies of
 * requests with it. */
#include "torture.h"

enum { CHUNK_SIZE, CHUNK_EXTENSION, CHUNK_DATA, CHUNK_END, CHUNK_TRAILER,
	CHUNK_TRAILER_LINE };

void
answer_init(struct answer *a, bool tunnel)
{
	a->head_len = a->text_len = 0;
	a->in_body = a->closing = false;
	a->tunnel = tunnel;
	a->form = FORM_NONE;
	a->status = a->version = 0;
	a->left = 0;
	a->chunk = CHUNK_SIZE;
}

/* A body alone, as the server gets it: it parses heads in its own way. */
void
answer_init_body(struct answer *a, enum answer_form form, int64_t length)
{
	answer_init(a, false);
	a->in_body = true;
	a->form = form;
	a->left = length;
}

static const char *
field(const struct answer *a, const char *name)
{
	const char *p = strcasestr(a->head, name);

	if (p == NULL)
		return (NULL);
	for (p += strlen(name); *p == ' '; p++)
		continue;
	return (p);
}

/* The head is whole: what does it say? */
static enum answer_state
read_head(struct answer *a)
{
	const char *v;

	if (sscanf(a->head, "HTTP/1.%*1[01] %3d", &a->status) != 1)
		return (ANSWER_BAD);
	v = field(a, "\r\nX-Version:");
	a->version = v != NULL ? atoi(v) : 0;
	v = field(a, "\r\nConnection:");
	a->closing = v != NULL && strncasecmp(v, "close", 5) == 0;
	a->in_body = true;
	if (a->tunnel && (a->status == 101 || a->status == 200))
		return (ANSWER_DONE);
	if (a->status < 200) {          /* 100: the real head follows */
		answer_init(a, a->tunnel);
		return (ANSWER_MORE);
	}
	if ((v = field(a, "\r\nContent-Length:")) != NULL) {
		a->form = FORM_LENGTH;
		a->left = atoll(v);
		return (a->left == 0 ? ANSWER_DONE : ANSWER_MORE);
	}
	v = field(a, "\r\nTransfer-Encoding:");
	a->form = v != NULL ? FORM_CHUNKED : FORM_CLOSE;
	return (ANSWER_MORE);
}

/* Takes bytes up to the end of the head. */
static enum answer_state
take_head(struct answer *a, const char *p, size_t n, size_t *used)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (a->head_len + 1 == (int)sizeof a->head)
			return (ANSWER_BAD);
		a->head[a->head_len++] = p[i];
		if (p[i] != '\n' || a->head_len < 4 ||
		    memcmp(a->head + a->head_len - 4, "\r\n\r\n", 4) != 0)
			continue;
		a->head[a->head_len] = '\0';
		*used = i + 1;
		return (read_head(a));
	}
	*used = n;
	return (ANSWER_MORE);
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return (c - '0');
	c |= 0x20;
	return (c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1);
}

/* One byte that is not data of a chunk. */
static enum answer_state
chunk_byte(struct answer *a, char c)
{
	switch (a->chunk) {
	case CHUNK_SIZE:
		if (hex(c) >= 0 && a->left < 1 << 28) {
			a->left = a->left * 16 + hex(c);
			return (ANSWER_MORE);
		}
		if (c != ';' && c != '\r' && c != '\n' && c != ' ')
			return (ANSWER_BAD);
		a->chunk = CHUNK_EXTENSION;
		/* FALLTHROUGH */
	case CHUNK_EXTENSION:
		if (c == '\n')
			a->chunk = a->left > 0 ? CHUNK_DATA : CHUNK_TRAILER;
		return (ANSWER_MORE);
	case CHUNK_END:
		if (c == '\n')
			a->chunk = CHUNK_SIZE;
		return (c == '\r' || c == '\n' ? ANSWER_MORE : ANSWER_BAD);
	case CHUNK_TRAILER:
		if (c == '\n')
			return (ANSWER_DONE);
		if (c != '\r')
			a->chunk = CHUNK_TRAILER_LINE;
		return (ANSWER_MORE);
	default:
		if (c == '\n')
			a->chunk = CHUNK_TRAILER;
		return (ANSWER_MORE);
	}
}

static bool
in_data(const struct answer *a)
{
	return (a->form != FORM_CHUNKED || a->chunk == CHUNK_DATA);
}

/* Gives a stretch of the body to its owner; how much it was. */
static size_t
take_data(struct answer *a, const char *p, size_t n, void *priv,
    answer_body_fn *body)
{
	size_t room = sizeof a->text - 1 - (size_t)a->text_len;

	if (a->form != FORM_CLOSE && (int64_t)n > a->left)
		n = (size_t)a->left;
	if (room > n)
		room = n;
	memcpy(a->text + a->text_len, p, room);
	a->text_len += (int)room;
	a->text[a->text_len] = '\0';
	body(priv, p, n);
	a->left -= (int64_t)n;
	return (n);
}

enum answer_state
answer_feed(struct answer *a, const char *p, size_t n, size_t *used,
    void *priv, answer_body_fn *body)
{
	enum answer_state st = ANSWER_MORE;
	size_t k;

	for (*used = 0; *used < n && st == ANSWER_MORE; *used += k) {
		k = 1;
		if (!a->in_body) {
			st = take_head(a, p + *used, n - *used, &k);
		} else if (in_data(a)) {
			k = take_data(a, p + *used, n - *used, priv, body);
			if (a->form == FORM_LENGTH && a->left == 0)
				st = ANSWER_DONE;
			if (a->form == FORM_CHUNKED && a->left == 0)
				a->chunk = CHUNK_END;
		} else {
			st = chunk_byte(a, p[*used]);
		}
	}
	return (st);
}
