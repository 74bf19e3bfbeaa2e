-- Policies and grants of one schema, from what is in it now. Run as its owner
-- after the migrations, any number of times. {names} are filled in by Secure.
do $$
declare
  r record;
  app_policy constant text :=
    '(org_id = (select nullif(current_setting(''handoff.org'', true), '''')::uuid))';
begin
  -- two processes that migrate at once secure one after the other
  perform pg_advisory_xact_lock(hashtextextended('handoff/secure/{schema}', 0));
  grant usage on schema {schema} to {app}, {system};

  for r in
    select c.oid, format('%I.%I', n.nspname, c.relname) as name, c.relkind,
           a.attnum is not null as has_org,
           a.atttypid = 'uuid'::regtype and a.attnotnull as org_ok,
           c.relrowsecurity and c.relforcerowsecurity as forced,
           coalesce((select bool_or(o in ('security_invoker=true', 'security_invoker=on', 'security_invoker=1'))
                       from unnest(c.reloptions) o), false) as invoker,
           exists (select from aclexplode(c.relacl) g where g.grantee = '{app}'::regrole) as app_decided,
           exists (select from aclexplode(c.relacl) g where g.grantee = '{system}'::regrole) as system_decided,
           (select array_agg(p.polname::text) from pg_policy p where p.polrelid = c.oid) as policies
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      left join pg_attribute a on a.attrelid = c.oid and a.attname = 'org_id' and not a.attisdropped
     where n.nspname = '{schema}' and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f')
       and c.relname not like 'goose\_%'
       and not c.relispartition -- reached through its table only
       and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
     order by c.oid
  loop
    if r.relkind = 'S' then
      if not r.app_decided then execute format('grant usage on sequence %s to {app}', r.name); end if;
      if not r.system_decided then execute format('grant usage on sequence %s to {system}', r.name); end if;
      continue;
    end if;

    if r.relkind = 'v' then
      if not r.invoker then
        raise 'view % runs as its owner and shows every organization', r.name
          using hint = 'create it "with (security_invoker = true)"';
      end if;
      if not r.app_decided then execute format('grant select on %s to {app}', r.name); end if;
      if not r.system_decided then execute format('grant select on %s to {system}', r.name); end if;
      continue;
    end if;

    if not r.system_decided then
      execute format(case when r.relkind = 'm' then 'grant select on %s to {system}'
                          else 'grant select, insert, update, delete, truncate on %s to {system}' end, r.name);
    end if;
    -- A materialized view keeps no policies, whatever columns it has.
    continue when not r.has_org or r.relkind in ('m', 'f');

    if not r.org_ok then
      raise 'column org_id of % must be uuid not null', r.name;
    end if;
    if not r.app_decided then
      execute format('grant select, insert, update, delete on %s to {app}', r.name);
    end if;
    if not r.forced then
      execute format('alter table %s enable row level security, force row level security', r.name);
    end if;
    if r.policies is null or not 'handoff_app' = any(r.policies) then
      execute format('create policy handoff_app on %s to {app} using %s with check %s', r.name, app_policy, app_policy);
    end if;
    if r.policies is null or not 'handoff_system' = any(r.policies) then
      execute format('create policy handoff_system on %s to {system} using (true) with check (true)', r.name);
    end if;
    -- The owner is under the policies too, so that a function or a view that runs
    -- as the owner shows nothing by mistake; only a migration sees the rows.
    if r.policies is null or not 'handoff_owner' = any(r.policies) then
      execute format('create policy handoff_owner on %s to {owner} '
        'using (current_setting(''handoff.migrating'', true) = ''on'')', r.name);
    end if;
  end loop;
end
$$;
