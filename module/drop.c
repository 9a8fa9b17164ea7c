/* drop.c - Unbound's own way, qstate->is_drop, is for all clients of a query state at once, and forgets to count them
 * off (1.17 and 1.22: mesh->num_reply_addrs), until no client may join a query state any more. So they are
 * taken off the state's list by the function that does it when a connection goes away. */
#include "drop.h"

/* A place that no client came through. That function goes by the place, which all clients over UDP share: those to be
 * taken off are moved here, and go together, by one look at the list. */
static const struct comm_point nowhere;

static struct comm_point *no_place(void)
{
	return (struct comm_point *)(uintptr_t)&nowhere;
}

/* Close a connection. All that came through it are off the list before: what is left for Unbound to find there would be
 * its streams, which may end after the query state.
 *
 * returns  how many were on the list */
static size_t close_connection(struct mesh_state *state, struct mesh_reply *first)
{
	struct comm_point *point = first->query_reply.c;
	struct mesh_reply *client;
	size_t count = 0;

	for (client = state->reply_list; client; client = client->next) {
		if (client->query_reply.c != point)
			continue;
		count++;
		if (point->use_h2)
			client->h2_stream->mesh_state = NULL;
	}
	mesh_state_remove_reply(state->s.env->mesh, state, point);
	comm_point_drop_reply(&first->query_reply);
	return count;
}

/* The next that came another way. What is taken off the list still knows who came after. */
static struct mesh_reply *next_elsewhere(struct mesh_reply *client)
{
	const struct comm_point *point = client->query_reply.c;

	while (client && client->query_reply.c == point)
		client = client->next;
	return client;
}

/* Over QUIC all connections share a place, too, but what a client asked ends by itself. */
static void end_stream(struct mesh_state *state, struct mesh_reply *client)
{
	struct comm_point *point = client->query_reply.c;

	client->query_reply.c = no_place();
	mesh_state_remove_reply(state->s.env->mesh, state, no_place());
	client->query_reply.c = point;
	comm_point_drop_reply(&client->query_reply);
}

size_t drop_clients(struct module_qstate *qstate, drop_fn *drops, void *arg)
{
	struct mesh_state *state = qstate->mesh_info;
	struct mesh_reply *client = state->reply_list, *next;
	size_t count = 0;

	for (; client; client = next) {
		next = client->next;
		if (!drops(arg, client))
			continue;
		count++;
		switch (client->query_reply.c->type) {
		case comm_udp:
			client->query_reply.c = no_place();
			break;
		case comm_tcp:
		case comm_http:
			next = next_elsewhere(client);
			count += close_connection(state, client) - 1;
			break;
		default:
			end_stream(state, client);
		}
	}
	if (count > 0)
		mesh_state_remove_reply(qstate->env->mesh, state, no_place());
	return count;
}
