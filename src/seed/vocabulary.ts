/** What a client does: its games, tasks and names belong together. Every list has no item twice. */
export interface Domain {
  /** What a game is about, as in `porto-step-challenge-spring-2026`; in no other domain, 20 characters at most. */
  readonly themes: readonly string[];
  /** At least eight, the most tasks that a game has. */
  readonly tasks: readonly string[];
  /** What is counted there; the key under which an award's `data` holds how many. */
  readonly unit: string;
}

const SPORT: Domain = {
  themes: [
    'step-challenge',
    'run-club',
    'half-marathon',
    'swim-league',
    'hiking-pass',
    'couch-to-5k',
    'stair-climb',
    'parkour-day',
  ],
  tasks: [
    'task-daily-steps',
    'task-weekly-run',
    'task-warm-up',
    'task-invite-a-friend',
    'task-first-5k',
    'task-stretching',
    'task-morning-session',
    'task-share-route',
    'task-team-relay',
  ],
  unit: 'steps',
};

const ENERGY: Domain = {
  themes: [
    'energy-saver',
    'off-peak-laundry',
    'heat-down',
    'solar-match',
    'lights-out',
    'standby-hunt',
    'cold-wash',
    'meter-quest',
  ],
  tasks: [
    'task-read-meter',
    'task-lower-thermostat',
    'task-off-peak-hour',
    'task-standby-check',
    'task-cold-wash',
    'task-quiz-tariffs',
    'task-led-swap',
    'task-weekly-report',
  ],
  unit: 'kWh',
};

const MUSEUM: Domain = {
  themes: [
    'museum-trail',
    'night-of-museums',
    'gallery-quest',
    'curator-quiz',
    'family-sunday',
    'hidden-objects',
    'audio-guide',
    'sculpture-walk',
  ],
  tasks: [
    'task-check-in',
    'task-scan-exhibit',
    'task-room-quiz',
    'task-photo-detail',
    'task-audio-stop',
    'task-guestbook',
    'task-find-the-lion',
    'task-family-riddle',
    'task-visitor-survey',
  ],
  unit: 'exhibits',
};

const SCIENCE: Domain = {
  themes: [
    'air-quality-watch',
    'bird-count',
    'noise-map',
    'river-samples',
    'pollinator-survey',
    'heat-island',
    'light-pollution',
    'tree-census',
  ],
  tasks: [
    'task-air-measurement',
    'task-calibrate-sensor',
    'task-upload-photo',
    'task-classify-10',
    'task-priority-zone',
    'task-night-sample',
    'task-verify-record',
    'task-training-module',
    'task-field-notes',
  ],
  unit: 'measurements',
};

const MOBILITY: Domain = {
  themes: [
    'bike-to-work',
    'tram-rally',
    'car-free-week',
    'park-and-ride',
    'school-walk-bus',
    'night-bus-pass',
    'ride-share',
    'green-commute',
  ],
  tasks: [
    'task-bike-commute',
    'task-tram-ride',
    'task-leave-the-car',
    'task-report-pothole',
    'task-shared-ride',
    'task-walk-to-school',
    'task-log-trip',
    'task-new-station',
  ],
  unit: 'km',
};

const LANGUAGE: Domain = {
  themes: [
    'spanish-a1',
    'portuguese-b1',
    'basque-basics',
    'german-sprint',
    'vocab-marathon',
    'tandem-cafe',
    'grammar-ladder',
    'story-hour',
  ],
  tasks: [
    'task-daily-lesson',
    'task-vocab-20',
    'task-listening',
    'task-speaking-drill',
    'task-tandem-call',
    'task-weekly-test',
    'task-write-postcard',
    'task-review-mistakes',
  ],
  unit: 'lessons',
};

const RECYCLING: Domain = {
  themes: [
    'zero-waste',
    'repair-cafe',
    'bottle-return',
    'compost-club',
    'swap-market',
    'beach-clean-up',
    'plastic-free-month',
    'sort-it-right',
  ],
  tasks: [
    'task-sort-quiz',
    'task-return-bottles',
    'task-repair-item',
    'task-compost-week',
    'task-clean-up-hour',
    'task-report-dump',
    'task-swap-clothes',
    'task-refill',
  ],
  unit: 'kg',
};

const WORKPLACE: Domain = {
  themes: [
    'onboarding',
    'safety-training',
    'kudos-month',
    'phishing-drill',
    'idea-box',
    'first-aid',
    'mentor-match',
    'data-literacy',
  ],
  tasks: [
    'task-login',
    'task-complete-profile',
    'task-watch-intro',
    'task-pass-quiz',
    'task-give-kudos',
    'task-report-phishing',
    'task-meet-mentor',
    'task-submit-idea',
    'task-share',
  ],
  unit: 'modules',
};

/** Who runs games with an API key, the ones that the demo shows first. */
export const CLIENTS: readonly (readonly [name: string, domain: Domain])[] = [
  ['PulseRun', SPORT],
  ['Aurora Museums', MUSEUM],
  ['Open Air Watch', SCIENCE],
  ['Wattwise Co-op', ENERGY],
  ['Velonet Mobility', MOBILITY],
  ['Lingua Sprint', LANGUAGE],
  ['Loop & Repair', RECYCLING],
  ['Brightdesk HR', WORKPLACE],
  ['Ridgeway Trails', SPORT],
  ['Sunfold Energy', ENERGY],
  ['City of Marvale', MOBILITY],
  ['Harbour Science Lab', SCIENCE],
  ['Palabra App', LANGUAGE],
  ['Fjord Fitness', SPORT],
  ['Old Quarter Heritage', MUSEUM],
  ['Kilowatt Kids', ENERGY],
  ['Tramline Rewards', MOBILITY],
  ['Second Shelf', RECYCLING],
  ['Meadow Monitors', SCIENCE],
  ['Northwind Academy', WORKPLACE],
];

/** What the owners of games without an API key do; in the demo it is the first. */
export const OAUTH_DOMAINS: readonly Domain[] = [MOBILITY, SCIENCE, WORKPLACE, LANGUAGE];

/** Cities as slugs, 14 characters at most. */
export const PLACES: readonly string[] =
  `porto lisbon bilbao madrid sevilla valencia girona zaragoza vigo cadiz lyon nantes lille rennes
  toulouse marseille bordeaux grenoble dijon brest berlin hamburg bremen leipzig dresden freiburg mainz
  kassel ulm rostock vienna graz linz salzburg zurich basel bern geneva milan turin bologna verona trieste
  naples palermo bari genoa athens patras chania sofia varna bucharest cluj iasi belgrade zagreb split
  ljubljana maribor prague brno ostrava warsaw krakow gdansk poznan lodz wroclaw vilnius kaunas riga
  tallinn tartu helsinki tampere turku oulu stockholm malmo uppsala goteborg oslo bergen trondheim
  copenhagen aarhus odense dublin cork galway glasgow leeds bristol ghent antwerp utrecht leiden`.split(
    /\s+/,
  );

/** How a place's name is written by those who live there, where that has an accent. */
export const ACCENTED: Readonly<Record<string, string>> = {
  cadiz: 'Cádiz',
  geneva: 'Genève',
  goteborg: 'Göteborg',
  krakow: 'Kraków',
  gdansk: 'Gdańsk',
  lodz: 'Łódź',
  malmo: 'Malmö',
  poznan: 'Poznań',
  wroclaw: 'Wrocław',
  zurich: 'Zürich',
};

/** One a quarter of the year, beginning with January. */
export const SEASONS = ['winter', 'spring', 'summer', 'autumn'] as const;
/** The same as someone wrote them who took an external id for a title. */
export const ACCENTED_SEASONS = ['inverno', 'Frühling', 'été', 'otoño'] as const;

export const PLATFORMS: readonly (readonly [platform: string, weight: number])[] = [
  ['android', 36],
  ['web', 24],
  ['ios', 20],
  ['flutter', 6],
  ['unity', 5],
  ['wear-os', 3],
  ['moodle', 3],
  ['telegram', 2],
  ['kiosk', 1],
];

export const BUILT_IN_STRATEGIES: readonly (readonly [id: string, weight: number])[] = [
  ['default', 56],
  ['constantEffortStrategy', 14],
  ['greencrowdStrategy', 11],
  ['greengageStrategy', 8],
  ['socio_bee', 8],
  ['getis_ord_gi_star', 3],
];

/** Built-in strategies of earlier releases: rows keep their ids. */
export const REMOVED_STRATEGIES = ['enhanced_gamification', 'greengage_gamification'] as const;

/** A param: its key as GAME's strategies read it, and values as GAME stores them, as text. */
export type ParamKind = readonly [key: string, values: readonly string[]];

/** What most games are configured with. */
export const BASIC_PARAM: ParamKind = ['variable_basic_points', ['1', '2', '5', '5', '10']];

/** What else a game is configured with. */
export const GAME_PARAMS: readonly ParamKind[] = [
  ['variable_bonus_points', ['5', '10', '15', '20']],
  ['variable_peak_performer_bonus_points', ['15', '25']],
  ['variable_individual_over_global_points', ['3', '5']],
  ['variable_individual_adjustment_points', ['8', '12']],
  ['bonus_factor', ['1.2', '1.5', '2']],
  ['max_points_per_day', ['50', '100', '250']],
  ['streak_enabled', ['True', 'True', 'False']],
  ['leaderboard_public', ['True', 'False']],
  ['weights', ["{'a': 1}", "{'a': 2, 'b': 1}", "{'distance': 0.7, 'streak': 0.3}"]],
  ['level_thresholds', ['[50, 150, 400]', '[100, 500, 1000]']],
  ['time_slots', ['[(0, 6), (6, 12), (12, 18), (18, 24)]']],
  ['language', ['en', 'es', 'pt', 'de', 'fr', 'eu']],
  ['campaign_owner', ['communications', 'field team', 'None']],
];

export const TASK_PARAMS: readonly ParamKind[] = [
  ['variable_bonus_points', ['5', '10', '20']],
  ['max_per_day', ['1', '1', '3', '10']],
  ['requires_photo', ['True', 'False']],
  ['radius_m', ['50', '100', '250']],
  ['difficulty', ['easy', 'medium', 'hard']],
  ['window', ["{'from': '08:00', 'to': '20:00'}"]],
];

/** Why points are given, how many, and how often that happens. Few different numbers, so that sums are often equal. */
export const AWARDS: readonly (readonly [award: { caseName: string; points: number }, weight: number])[] = [
  [{ caseName: 'BasicEngagement', points: 5 }, 50],
  [{ caseName: 'PerformanceBonus', points: 10 }, 22],
  [{ caseName: 'IndividualAdjustment', points: 8 }, 12],
  [{ caseName: 'PeakPerformerBonus', points: 15 }, 10],
  [{ caseName: 'StreakBonus', points: 20 }, 6],
];

export const FIRST_NAMES: readonly string[] =
  `ana bruno carla diego elena felix greta hugo ines jonas karin luis marta nils olga pablo rita sven teresa
  uwe vera willem ximena yann zoe amaia beat chiara dario eva filip giulia henrik irene jan katja leon maja
  nora oscar petra quentin rosa stefan tiago`.split(/\s+/);

export const LAST_NAMES: readonly string[] =
  `silva novak garcia weber rossi kowalski dubois jensen virtanen horvat santos meyer moreau ricci nowak
  lindberg costa fischer lopez petrov murphy devries etxeberria papadakis ionescu kovacs olsen martin huber
  greco zielinski ferreira bauer romero laurent`.split(/\s+/);

/** A custom strategy, whatever its version. */
export interface StrategyFamily {
  readonly name: string;
  readonly description: string;
  /** When the rule gives its bonus. */
  readonly when: { readonly field: string; readonly op: '<' | '>='; readonly value: number };
  readonly caseName: string;
}

export const STRATEGY_FAMILIES: readonly StrategyFamily[] = [
  {
    name: 'Streak keeper',
    description: 'Rewards several days in a row; the bonus grows with every version.',
    when: { field: 'data.streak_days', op: '>=', value: 3 },
    caseName: 'StreakBonus',
  },
  {
    name: 'Newcomer boost',
    description: 'More points for the first steps, fewer once a user knows the way.',
    when: { field: 'user.measurements_count', op: '<', value: 2 },
    caseName: 'NewcomerBonus',
  },
  {
    name: 'Weekend push',
    description: 'Lifts participation on Saturdays and Sundays.',
    when: { field: 'data.weekend', op: '>=', value: 1 },
    caseName: 'WeekendBonus',
  },
  {
    name: 'Priority zones',
    description: 'Pays more where coverage is thin.',
    when: { field: 'data.priority_zone', op: '>=', value: 1 },
    caseName: 'PriorityZoneBonus',
  },
  {
    name: 'Team effort',
    description: 'Rewards what a group reaches together.',
    when: { field: 'data.team_size', op: '>=', value: 4 },
    caseName: 'TeamBonus',
  },
];
