#!/bin/bash
# Runs once, when the database of compose.postgis.yaml is empty: its two users (docs/operation.md) and the extension, which only a
# superuser may make.
set -euo pipefail
psql --username postgres --set ON_ERROR_STOP=1 --set owner="$(cat /run/secrets/owner)" --set service="$(cat /run/secrets/service)" <<'SQL'
create role sentinela_owner login createrole password :'owner';
create role sentinela_web login password :'service';
create database sentinela owner sentinela_owner;
\connect sentinela
create extension if not exists postgis;
SQL
