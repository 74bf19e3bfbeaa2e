-- Roles and schema of one service. Run by the url's user, any number of times;
-- says nothing to the server that is already so, so that a user who may not
-- create roles is enough once they exist. {names} are filled in by prepare.
do $$
declare
  role text;
  -- Since 16 a role's creator may administer it without being able to act as it.
  acts constant text := case when current_setting('server_version_num')::int >= 160000
                             then 'set' else 'member' end;
begin
  perform pg_advisory_xact_lock(hashtextextended('handoff/prepare', 0));

  if not exists (select from pg_roles where rolname = '{owner}') then
    create role {owner} nologin;
  end if;
  -- A role that can log in but has no password gets in only where the server
  -- trusts the connection: the private server's socket.
  foreach role in array array['{app}', '{system}'] loop
    if not exists (select from pg_roles where rolname = role) then
      execute format('create role %I login', role);
    elsif exists (select from pg_roles where rolname = role and (rolsuper or rolbypassrls)) then
      raise 'role % must be neither superuser nor bypass row-level security', role;
    end if;
  end loop;

  -- Migrations act as the owner; a pool that connects as this user acts as the others.
  if not (select rolsuper from pg_roles where rolname = current_user) then
    foreach role in array array['{owner}', '{app}', '{system}'] loop
      if not pg_has_role(current_user, role, acts) then
        execute format('grant %I to current_user', role);
      end if;
    end loop;
  end if;

  if has_database_privilege(current_user, current_database(), 'create with grant option')
     and not has_database_privilege('{owner}', current_database(), 'create') then
    -- for trusted extensions, which a migration creates in its own schema
    execute format('grant create on database %I to {owner}', current_database());
  end if;
  if not exists (select from pg_namespace where nspname = '{schema}') then
    create schema {schema} authorization {owner};
  end if;
end
$$;
