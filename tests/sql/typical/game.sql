SELECT g.id AS id,
  (
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
      )
    )
    ||(
      (
        ',"version":"'
        ||(
          md5(
            concat(
              g.xmin,
              (
                SELECT string_agg(concat(p.id, p.xmin), ',' ORDER BY p.id)
                FROM gamesparams p
                WHERE p."gameId" = g.id
              )
            )
          )
        )::text
        ||'","owner":{"apiKey":'
        ||(coalesce(to_json(g."apiKey_used")::text, 'null'))::text
        ||',"oauthUserId":'
        ||(coalesce(to_json(g.oauth_user_id)::text, 'null'))::text
      )
      ||(
        '},"params":['
        ||(
          coalesce(
            (
              SELECT CASE WHEN octet_length(string_agg(listed.item, ',')) > 10000000 THEN (
                'game_graphql: answer too long'
                || left((octet_length(string_agg(listed.item, ',')))::text, 0)
              )::int::text ELSE string_agg(listed.item, ',') END
              FROM (
                SELECT (
                  '{"key":'
                  ||(coalesce(to_json(p.key)::text, 'null'))::text
                  ||',"value":'
                  ||(coalesce(to_json(p.value)::text, 'null'))::text
                  ||'}'
                ) AS item
                FROM gamesparams p
                WHERE p."gameId" = g.id
                ORDER BY p.created_at,
                  p.id
              ) listed
            ),
            ''
          )
        )::text
        ||'],"tasks":'
        ||(
          (
            SELECT (
              '{"totalCount":'
              ||((SELECT count(*) FROM tasks t WHERE ((t."gameId" = g.id))))::text
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
              ||']}'
            )
            FROM (
              SELECT string_agg(
                (
                  (
                    CASE WHEN octet_length(item.c0) > 5000000 THEN (
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
                    '{"id":"'
                    ||(t.id)::text
                    ||'","externalTaskId":'
                    ||(coalesce(to_json(t."externalTaskId")::text, 'null'))::text
                  )
                  ||(
                    ',"status":'
                    ||(coalesce(to_json(t.status)::text, 'null'))::text
                    ||',"params":['
                    ||(
                      coalesce(
                        (
                          SELECT CASE WHEN octet_length(string_agg(listed.item, ',')) > 10000000 THEN (
                            'game_graphql: answer too long'
                            || left((octet_length(string_agg(listed.item, ',')))::text, 0)
                          )::int::text ELSE string_agg(listed.item, ',') END
                          FROM (
                            SELECT (
                              '{"key":'
                              ||(coalesce(to_json(p.key)::text, 'null'))::text
                              ||',"value":'
                              ||(coalesce(to_json(p.value)::text, 'null'))::text
                              ||'}'
                            ) AS item
                            FROM tasksparams p
                            WHERE p."taskId" = t.id
                            ORDER BY p.created_at,
                              p.id
                          ) listed
                        ),
                        ''
                      )
                    )::text
                    ||']}'
                  )
                ) AS c0
                FROM tasks t
                WHERE t."gameId" = g.id
                ORDER BY t.created_at DESC,
                  t.id DESC
                LIMIT 10
              ) item
            ) page
          )
        )::text
        ||',"leaderboard":'
        ||(
          (
            WITH l AS (
              SELECT up."userId",
                coalesce(sum(up.points), 0) AS points,
                -coalesce(sum(up.points), 0) AS minus,
                count(*)::int AS times,
                max(up.created_at) AS last,
                rank() OVER (ORDER BY -coalesce(sum(up.points), 0))::int AS rank
              FROM userpoints up
              WHERE up."taskId" = ANY(ARRAY(SELECT t.id FROM tasks t WHERE t."gameId" = g.id))
                AND up."userId" IS NOT NULL
              GROUP BY up."userId"
            )
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
                    SELECT string_agg(((item.c0)::text), ',') AS l0
                    FROM (
                      SELECT (
                        '{"rank":'
                        ||(l.rank)::text
                        ||',"externalUserId":'
                        ||(
                          coalesce(
                            to_json(
                              (SELECT u."externalUserId" FROM users u WHERE u.id = l."userId")
                            )::text,
                            'null'
                          )
                        )::text
                        ||',"points":'
                        ||(l.points)::text
                        ||'}'
                      ) AS c0
                      FROM l
                      WHERE TRUE
                      ORDER BY l.minus ASC,
                        l."userId" ASC
                      LIMIT 10
                    ) item
                  ) page
                )
              )::text
            )
          )
        )::text
        ||'}'
      )
    )
  ) AS json
FROM games g
WHERE ((g."apiKey_used" = $1))
  AND g.id = $2::uuid;
-- $1 = "gme_live_a1B2c3D4"
-- $2 = "00000000-0000-4000-8000-000000000001"
