SELECT s.id AS id,
  (
    (
      '{"name":'
      ||(coalesce(to_json(s.name)::text, 'null'))::text
      ||',"version":'
      ||(coalesce(to_json(s.version)::text, 'null'))::text
      ||',"status":"'
    )
    ||(
      (s.status)::text
      ||'","versions":['
      ||(
        coalesce(
          (
            SELECT CASE WHEN octet_length(string_agg(listed.item, ',')) > 10000000 THEN (
              'game_graphql: answer too long'
              || left((octet_length(string_agg(listed.item, ',')))::text, 0)
            )::int::text ELSE string_agg(listed.item, ',') END
            FROM (
              SELECT (
                '{"id":'
                ||(coalesce(to_json(s.id)::text, 'null'))::text
                ||',"version":'
                ||(coalesce(to_json(s.version)::text, 'null'))::text
                ||',"status":"'
                ||(s.status)::text
                ||'"}'
              ) AS item
              FROM (
                SELECT s.*
                WHERE s.kind = 'BUILT_IN'
                UNION ALL
                SELECT $1::text
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
                WHERE s.kind = 'CUSTOM'
                  AND d.name = s.name
                  AND d."realmId" IS NOT DISTINCT FROM s.realm
                  AND d."realmId" = $2
              ) s
              ORDER BY s.number DESC,
                s.id
            ) listed
          ),
          ''
        )
      )::text
      ||'],"games":'
      ||(
        (
          SELECT (
            (
              '{"totalCount":'
              ||(
                (
                  SELECT count(*)
                  FROM games g
                  WHERE ((g."apiKey_used" = $3))
                    AND g."strategyId" = s.id
                )
              )::text
              ||',"nodes":['
              ||(
                coalesce(
                  CASE WHEN octet_length(page.l0) > 10000000 THEN (
                    'game_graphql: answer too long'
                    || left((octet_length(page.l0))::text, 0)
                  )::int::text ELSE page.l0 END,
                  ''
                )
              )::text
            )
            ||(
              '],"pageInfo":{"hasNextPage":'
              ||((page.more OR FALSE)::text)::text
              ||',"endCursor":'
              ||(
                coalesce(
                  '"'
                  || translate(
                    encode(
                      convert_to(
                        '["'
                        || substr(
                          translate(
                            encode(
                              sha256(convert_to($4::text || page.l1[cardinality(page.l1)], 'UTF8')),
                              'base64'
                            ),
                            E'+/=\n',
                            '-_'
                          ),
                          1,
                          16
                        )
                        || '",'
                        || substr(page.l1[cardinality(page.l1)], 2),
                        'UTF8'
                      ),
                      'base64'
                    ),
                    E'+/=\n',
                    '-_'
                  )
                  || '"',
                  'null'
                )
              )::text
              ||'}}'
            )
          )
          FROM (
            SELECT string_agg(((item.c0)::text), ',') FILTER (WHERE item.number <= 10) AS l0,
              array_agg(item.position) FILTER (WHERE item.number <= 10) AS l1,
              count(*) > 10 AS more
            FROM (
              SELECT *,
                row_number() OVER () AS number
              FROM (
                SELECT (
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
                    ||(
                      coalesce(to_json(g.created_at AT TIME ZONE INTERVAL '0')::text, 'null')
                    )::text
                    ||',"updatedAt":'
                    ||(
                      coalesce(to_json(g.updated_at AT TIME ZONE INTERVAL '0')::text, 'null')
                    )::text
                    ||'}'
                  )
                ) AS c0,
                  (
                    '['
                    ||(coalesce(to_json(s.id::text)::text, 'null'))::text
                    ||','
                    ||(
                      coalesce(to_json(g.created_at AT TIME ZONE INTERVAL '0')::text, 'null')
                    )::text
                    ||','
                    ||(coalesce('"' || g.id || '"', 'null'))::text
                    ||']'
                  ) AS position
                FROM games g
                WHERE g."apiKey_used" = $5
                  AND g."strategyId" = s.id
                ORDER BY g.created_at DESC,
                  g.id DESC
                LIMIT 11
              ) item
            ) item
          ) page
        )
      )::text
      ||'}'
    )
  ) AS json
FROM unnest($6::text[]) wanted (id)
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
    FROM unnest($7::text[], $8::text[]) u (id, version)
  ) b
  WHERE b.id = wanted.id
  UNION ALL
  SELECT $9::text
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
  WHERE d."realmId" = $10
    AND d.id = CASE WHEN wanted.id ~ $11 THEN right(wanted.id, 36)::uuid END
) s;
-- $1 = "custom:"
-- $2 = "gme_live_a1B2c3D4"
-- $3 = "gme_live_a1B2c3D4"
-- $4 = "KcJdL60pw0I6YpWd"
-- $5 = "gme_live_a1B2c3D4"
-- $6 = ["custom:00000000-0000-4000-8000-000000000020"]
-- $7 = ["default","constantEffortStrategy","greencrowdStrategy","greengageStrategy","socio_bee","getis_ord_gi_star"]
-- $8 = ["0.0.2","0.0.1","1.0.0","0.0.1","0.0.2","0.0.1"]
-- $9 = "custom:"
-- $10 = "gme_live_a1B2c3D4"
-- $11 = "^custom:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
