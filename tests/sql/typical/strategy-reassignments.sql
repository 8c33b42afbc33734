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
        ||']}'
      )
      FROM (
        SELECT string_agg(
          (
            (
              CASE WHEN octet_length(item.c0) > 2500000 THEN (
                'game_graphql: answer too long'
                || left((octet_length(item.c0))::text, 0)
              )::int::text ELSE item.c0 END
            )::text
          ),
          ','
        ) AS l0
        FROM (
          SELECT (
            (
              ('{"id":"'||(r.id)::text||'","kind":"'||(r.kind)::text||'","oldStrategyId":')
              ||(
                (coalesce(to_json(r.old_strategy_id)::text, 'null'))::text
                ||',"newStrategyId":'
                ||(coalesce(to_json(r.new_strategy_id)::text, 'null'))::text
                ||',"count":'
                ||(r.games)::text
              )
            )
            ||(
              (
                ',"madeBy":{"apiKey":'
                ||(coalesce(to_json(r.api_key)::text, 'null'))::text
                ||',"oauthUserId":'
                ||(coalesce(to_json(r.oauth_user_id)::text, 'null'))::text
                ||'},"createdAt":'
              )
              ||(
                (coalesce(to_json(r.created_at AT TIME ZONE INTERVAL '0')::text, 'null'))::text
                ||',"undoneAt":'
                ||(coalesce(to_json(r.undone_at AT TIME ZONE INTERVAL '0')::text, 'null'))::text
                ||',"games":'
                ||(
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
                      ||']}'
                    )
                    FROM (
                      SELECT string_agg(((item.c0)::text), ',') AS l0
                      FROM (
                        SELECT ('{"id":"'||(g.id)::text||'"}') AS c0
                        FROM games g
                        WHERE g."apiKey_used" = $1
                          AND EXISTS (
                            SELECT
                            FROM game_graphql_reassigned_games m
                            WHERE m.reassignment_id = r.id
                              AND m.game_id = g.id
                          )
                        ORDER BY g.created_at DESC,
                          g.id DESC
                        LIMIT 5
                      ) item
                    ) page
                  )
                )::text
                ||'}'
              )
            )
          ) AS c0
          FROM game_graphql_reassignments r
          WHERE r.api_key = $2
          ORDER BY r.created_at DESC,
            r.id DESC
          LIMIT 20
        ) item
      ) page
    )
  )::text
) AS json;
-- $1 = "gme_live_a1B2c3D4"
-- $2 = "gme_live_a1B2c3D4"
