SELECT g.id AS id,
  (
    (
      '{"id":"'
      ||(g.id)::text
      ||'","externalGameId":'
      ||(coalesce(to_json(g."externalGameId")::text, 'null'))::text
      ||',"platform":'
      ||(coalesce(to_json(g.platform)::text, 'null'))::text
    )
    ||(
      ',"strategyId":'
      ||(coalesce(to_json(g."strategyId")::text, 'null'))::text
      ||',"createdAt":'
      ||(coalesce(to_json(g.created_at AT TIME ZONE INTERVAL '0')::text, 'null'))::text
      ||',"updatedAt":'
      ||(coalesce(to_json(g.updated_at AT TIME ZONE INTERVAL '0')::text, 'null'))::text
      ||'}'
    )
  ) AS json
FROM games g
WHERE ((g."apiKey_used" = $1))
  AND g.id = ANY($2::uuid[]);
-- $1 = "gme_live_a1B2c3D4"
-- $2 = ["00000000-0000-4000-8000-000000000010"]

SELECT t.id AS id,
  (
    '{"id":"'
    ||(t.id)::text
    ||'","externalTaskId":'
    ||(coalesce(to_json(t."externalTaskId")::text, 'null'))::text
    ||',"game":'
    ||(
      coalesce(
        (
          SELECT ('{"id":"'||(g.id)::text||'"}')
          FROM games g
          WHERE g.id = t."gameId"
            AND ((g."apiKey_used" = $1))
        ),
        'null'
      )
    )::text
    ||'}'
  ) AS json
FROM tasks t
JOIN games g ON g.id = t."gameId"
WHERE t.id = ANY($2::uuid[])
  AND ((g."apiKey_used" = $3));
-- $1 = "gme_live_a1B2c3D4"
-- $2 = ["00000000-0000-4000-8000-000000000010"]
-- $3 = "gme_live_a1B2c3D4"

SELECT s.id AS id,
  (
    '{"id":'
    ||(coalesce(to_json(s.id)::text, 'null'))::text
    ||',"name":'
    ||(coalesce(to_json(s.name)::text, 'null'))::text
    ||',"version":'
    ||(coalesce(to_json(s.version)::text, 'null'))::text
    ||'}'
  ) AS json
FROM unnest($1::text[]) wanted (id)
CROSS JOIN LATERAL (
  SELECT *
  FROM (
    SELECT u.id,
      'BUILT_IN' AS kind,
      u.id AS name,
      u.version,
      'PUBLISHED' AS status,
      NULL::text AS description,
      NULL::text AS realm,
      NULL::timestamptz AS published_at,
      0::bigint AS number
    FROM unnest($2::text[], $3::text[]) u (id, version)
  ) b
  WHERE b.id = wanted.id
  UNION ALL
  SELECT $4::text
    || d.id,
    'CUSTOM',
    d.name::text,
    d.version::text,
    CASE WHEN d.status IN ('DRAFT', 'PUBLISHED') THEN d.status ELSE 'ARCHIVED' END::text,
    d.description,
    d."realmId"::text,
    d."publishedAt",
    d.version::bigint
  FROM strategydefinition d
  WHERE d."realmId" = $5
    AND d.id = CASE WHEN wanted.id ~ $6 THEN right(wanted.id, 36)::uuid END
) s;
-- $1 = ["00000000-0000-4000-8000-000000000010"]
-- $2 = ["default","constantEffortStrategy","greencrowdStrategy","greengageStrategy","socio_bee","getis_ord_gi_star"]
-- $3 = ["0.0.2","0.0.1","1.0.0","0.0.1","0.0.2","0.0.1"]
-- $4 = "custom:"
-- $5 = "gme_live_a1B2c3D4"
-- $6 = "^custom:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"

SELECT r.id AS id,
  (
    '{"id":"'
    ||(r.id)::text
    ||'","kind":"'
    ||(r.kind)::text
    ||'","count":'
    ||(r.games)::text
    ||'}'
  ) AS json
FROM game_graphql_reassignments r
WHERE r.id = ANY($1::uuid[])
  AND ((r.api_key = $2));
-- $1 = ["00000000-0000-4000-8000-000000000010"]
-- $2 = "gme_live_a1B2c3D4"
