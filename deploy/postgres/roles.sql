-- Roles, schemas and logins of handoff in a PostgreSQL of your own. Run it once as an administrator (a
-- superuser, or a user with CREATEROLE who owns the database), and again after a password was changed or
-- the database was restored: it changes only what is not so.
--
--   psql -d handoff -v admission_password=... -v discharge_password=... -v referral_password=... \
--        -v notification_password=... -v console_password=... -v monitor_password=... -f roles.sql
--
-- (deploy/postgres/roles.sh reads the passwords from files instead, out of sight of ps.)
--
-- For each service x there are four roles and one schema:
--   handoff_x_owner    owns the schema x and all in it; nobody logs in as it; migrations act as it
--   handoff_x          what people's requests act as: the rows of one organization (row-level security)
--   handoff_x_system   what relays, consumers and timers act as: all organizations of schema x
--   handoff_x_login    what the service logs in as. It has no right of its own (NOINHERIT) and may take on
--                      the three above, no other service's
-- None is a superuser or bypasses row-level security. handoff_monitor_login reads statistics, no rows.

\set ON_ERROR_STOP on
\set QUIET on

begin;
-- Statements below contain passwords: keep them out of the server's log, also when they fail. A user who
-- may not set these is not a superuser, and has to rely on log_statement being 'none', the default.
select current_setting('is_superuser') = 'on' as superuser \gset
\if :superuser
  set local log_statement = 'none';
  set local log_min_error_statement = 'panic';
  set local log_min_duration_statement = -1;
\endif

create temporary table login (service text primary key, password text not null check (length(password) >= 16)) on commit drop;
insert into login values
  ('admission',    :'admission_password'),
  ('discharge',    :'discharge_password'),
  ('referral',     :'referral_password'),
  ('notification', :'notification_password'),
  ('console',      :'console_password'),
  ('monitor',      :'monitor_password');

do $$
declare
  l record;
  role text;
  -- Since 16 a role's creator may administer it without being able to act as it.
  acts constant text := case when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end;
begin
  -- the lock the services take when they prepare their schemas
  perform pg_advisory_xact_lock(hashtextextended('handoff/prepare', 0));

  for l in select service, password, format('handoff_%s_login', service) as name from login loop
    if not exists (select from pg_roles where rolname = l.name) then
      execute format('create role %I noinherit', l.name);
    end if;
    execute format('alter role %I login noinherit nosuperuser nocreatedb nocreaterole nobypassrls noreplication '
                   'connection limit 200 password %L', l.name, l.password);
    execute format('grant connect on database %I to %I', current_database(), l.name);
    continue when l.service = 'monitor';

    foreach role in array array['handoff_' || l.service, 'handoff_' || l.service || '_system', 'handoff_' || l.service || '_owner'] loop
      if not exists (select from pg_roles where rolname = role) then
        execute format('create role %I nologin', role);
      elsif exists (select from pg_roles where rolname = role and (rolsuper or rolbypassrls)) then
        raise 'role % must be neither superuser nor bypass row-level security', role;
      end if;
      if not pg_has_role(current_user, role, acts) then
        execute format('grant %I to current_user', role);
      end if;
      if not exists (select from pg_auth_members where roleid = role::regrole and member = l.name::regrole) then
        execute format('grant %I to %I', role, l.name);
      end if;
    end loop;

    -- for trusted extensions, which a migration creates in its own schema
    execute format('grant create on database %I to %I', current_database(), 'handoff_' || l.service || '_owner');
    if not exists (select from pg_namespace where nspname = l.service) then
      execute format('create schema %I authorization %I', l.service, 'handoff_' || l.service || '_owner');
    end if;
  end loop;

  -- Nobody else connects, and nobody makes things outside the five schemas.
  execute format('revoke connect, temporary on database %I from public', current_database());
  revoke create on schema public from public;
end
$$;

-- Without INHERIT a membership gives nothing until it is taken on; statistics are read without that.
alter role handoff_monitor_login inherit;
grant pg_monitor to handoff_monitor_login;
commit;
