/* drop.c - Unbound's own way, qstate->is_drop, is for all clients of a query state at once, and forgets to count them
 * off (1.17 and 1.22: mesh->num_reply_addrs), until no client may join a query state any more. So they are
 * taken off the state's list one by one, by the function that does it when a connection goes away. */
#include "drop.h"

static struct mesh_reply *find(const struct mesh_state *state, drop_fn *drops, void *arg)
{
	struct mesh_reply *client = state->reply_list;

	while (client && !drops(arg, client))
		client = client->next;
	return client;
}

/* That function goes by the place that a client came through, which all clients over UDP share. */
static void take_off(struct mesh_state *state, struct mesh_reply *client)
{
	struct comm_point nowhere;
	struct comm_point *point = client->query_reply.c;

	memset(&nowhere, 0, sizeof nowhere);
	client->query_reply.c = &nowhere;
	mesh_state_remove_reply(state->s.env->mesh, state, &nowhere);
	client->query_reply.c = point;
}

void drop_clients(struct module_qstate *qstate, drop_fn *drops, void *arg)
{
	struct mesh_state *state = qstate->mesh_info;
	struct mesh_reply *client;

	/* From the beginning each time: closing a connection takes others off the list. */
	while ((client = find(state, drops, arg)) != NULL) {
		take_off(state, client);
		if (client->query_reply.c->use_h2)
			client->h2_stream->mesh_state = NULL; /* which ends before the stream */
		comm_point_drop_reply(&client->query_reply);
	}
}
