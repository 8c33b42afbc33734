SELECT (
  (
    (
      SELECT (
        (
          '{"totalCount":'
          ||(
            (
              SELECT count(*)
              FROM games g
              WHERE ((g."apiKey_used" = $1))
                AND (
                  (
                    ((g.platform = ANY($2::text[])))
                    OR ((((((((g."strategyId" = $3) IS NOT TRUE)))))))
                  )
                  AND strpos(
                    upper(lower(g."externalGameId" COLLATE "und-x-icu") COLLATE "und-x-icu"),
                    upper(lower($4::text COLLATE "und-x-icu") COLLATE "und-x-icu")
                  ) > 0
                )
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
                          sha256(convert_to($5::text || page.l1[cardinality(page.l1)], 'UTF8')),
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
                ||(
                  CASE WHEN octet_length(g."externalGameId") > 300 THEN '{"sha256":"'
                  || encode(sha256(convert_to(g."externalGameId", 'UTF8')), 'hex')
                  || '"}' ELSE ((coalesce(to_json(g."externalGameId")::text, 'null'))::text) END
                )::text
                ||','
                ||(coalesce('"' || g.id || '"', 'null'))::text
                ||']'
              ) AS position
            FROM games g
            WHERE g."apiKey_used" = $6
              AND (
                (
                  ((g.platform = ANY($7::text[])))
                  OR ((((((((g."strategyId" = $8) IS NOT TRUE)))))))
                )
                AND strpos(
                  upper(lower(g."externalGameId" COLLATE "und-x-icu") COLLATE "und-x-icu"),
                  upper(lower($9::text COLLATE "und-x-icu") COLLATE "und-x-icu")
                ) > 0
              )
            ORDER BY g."externalGameId" COLLATE "C" ASC,
              g.id ASC
            LIMIT 21
          ) item
        ) item
      ) page
    )
  )::text
) AS json;
-- $1 = "gme_live_a1B2c3D4"
-- $2 = ["web","android"]
-- $3 = "default"
-- $4 = "summer"
-- $5 = "bAiBcKIMvNcsyptB"
-- $6 = "gme_live_a1B2c3D4"
-- $7 = ["web","android"]
-- $8 = "default"
-- $9 = "summer"
