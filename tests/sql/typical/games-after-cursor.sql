SELECT (
  (
    (
      SELECT (
        '{"nodes":['
        ||(
          coalesce(
            CASE WHEN octet_length(page.l0) > 10000000 THEN (
              'game_graphql: answer too long'
              || left((octet_length(page.l0))::text, 0)
            )::int::text ELSE page.l0 END,
            ''
          )
        )::text
        ||'],"pageInfo":{"hasNextPage":'
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
                        sha256(convert_to($1::text || page.l1[cardinality(page.l1)], 'UTF8')),
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
      FROM (
        SELECT string_agg(((item.c0)::text), ',') FILTER (WHERE item.number <= 20) AS l0,
          array_agg(item.position) FILTER (WHERE item.number <= 20) AS l1,
          count(*) > 20 AS more
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
                ||(coalesce(to_json(g.created_at AT TIME ZONE INTERVAL '0')::text, 'null'))::text
                ||',"updatedAt":'
                ||(coalesce(to_json(g.updated_at AT TIME ZONE INTERVAL '0')::text, 'null'))::text
                ||'}'
              )
            ) AS c0,
              (
                '['
                ||(coalesce(to_json(g.created_at AT TIME ZONE INTERVAL '0')::text, 'null'))::text
                ||','
                ||(coalesce('"' || g.id || '"', 'null'))::text
                ||']'
              ) AS position
            FROM games g
            WHERE g."apiKey_used" = $2
              AND (g.created_at, g.id) < (
                ((SELECT $3)::timestamp AT TIME ZONE INTERVAL '0'),
                (SELECT $4)::uuid
              )
            ORDER BY g.created_at DESC,
              g.id DESC
            LIMIT 21
          ) item
        ) item
      ) page
    )
  )::text
) AS json;
-- $1 = "8pIQKCaOiC9Rz-su"
-- $2 = "gme_live_a1B2c3D4"
-- $3 = "2026-01-01T00:00:00.123456"
-- $4 = "00000000-0000-4000-8000-000000000002"
