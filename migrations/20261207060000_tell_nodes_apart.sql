-- Several nodes may have an endpoint for devices. A device that goes from one to another is connected before the first has noticed that
-- it left, and a node that starts knows nothing of the others' connections: each ends only what it began itself.
-- The node of the connection; empty for one that came before there were nodes, which any node may end.
alter table device add column online_node text not null default '';
