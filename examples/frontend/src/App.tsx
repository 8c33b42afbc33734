import type { ApolloClient } from '@apollo/client';
import { ApolloProvider, useQuery } from '@apollo/client/react';
import {
  Anchor,
  AppShell,
  Button,
  Container,
  Group,
  Popover,
  SegmentedControl,
  Stack,
  Text,
  useMantineColorScheme,
} from '@mantine/core';
import { useState } from 'react';
import { Link, Route, Switch, useLocation } from 'wouter';
import { createClient, VIEWER } from './client';
import { Game } from './games/Game';
import { Games } from './games/Games';
import { Moves } from './moves/Moves';
import { ScreenTitle } from './shared/states';
import { SignIn } from './SignIn';
import { Strategies } from './strategies/Strategies';
import { Strategy } from './strategies/Strategy';

/** Kept for the tab alone, so that a reload does not sign out. */
const STORAGE = 'credential';

export function App() {
  const [client, setClient] = useState(() => {
    const stored = sessionStorage.getItem(STORAGE);
    return stored === null ? null : createClient(stored, onRefused);
  });
  const [notice, setNotice] = useState<string | null>(null);

  function signOut() {
    sessionStorage.removeItem(STORAGE);
    setClient(null);
    setNotice(null);
  }
  function onRefused() {
    signOut();
    setNotice('The API does not accept this key. Check it, or make a new one.');
  }

  // The address stays: whoever signs in again is where they were.
  if (client === null) {
    return (
      <SignIn
        notice={notice}
        connect={(credential) => createClient(credential, onRefused)}
        onSignedIn={(credential, signedIn) => {
          sessionStorage.setItem(STORAGE, credential);
          setClient(signedIn);
        }}
      />
    );
  }
  return <SignedIn client={client} onSignOut={signOut} />;
}

const SCREENS = [
  { path: '/', label: 'Games', isAt: (at: string) => at === '/' || at.startsWith('/games/') },
  { path: '/strategies', label: 'Strategies', isAt: (at: string) => at.startsWith('/strategies') },
  { path: '/moves', label: 'Moves', isAt: (at: string) => at === '/moves' },
];

function SignedIn({ client, onSignOut }: { client: ApolloClient; onSignOut: () => void }) {
  const [location] = useLocation();
  return (
    <ApolloProvider client={client}>
      <AppShell header={{ height: 56 }}>
        <AppShell.Header>
          <Container size="lg" h="100%" px="md">
            <Group h="100%" justify="space-between" wrap="nowrap">
              <Group component="nav" aria-label="Screens" gap="lg" wrap="nowrap">
                <Text fw={800} visibleFrom="sm">
                  GAME
                </Text>
                {SCREENS.map(({ path, label, isAt }) => (
                  <Anchor
                    key={path}
                    component={Link}
                    href={path}
                    c={isAt(location) ? undefined : 'var(--mantine-color-text)'}
                    fw={isAt(location) ? 700 : 400}
                    aria-current={isAt(location) ? 'page' : undefined}
                  >
                    {label}
                  </Anchor>
                ))}
              </Group>
              <Account onSignOut={onSignOut} />
            </Group>
          </Container>
        </AppShell.Header>
        <AppShell.Main>
          <Container size="lg" p="md">
            <Switch>
              <Route path="/" component={Games} />
              <Route path="/games/:id">{({ id }) => <Game key={id} id={id} />}</Route>
              <Route path="/strategies" component={Strategies} />
              <Route path="/strategies/:id">
                {({ id }) => <Strategy key={id} id={decodeURIComponent(id)} />}
              </Route>
              <Route path="/moves" component={Moves} />
              <Route>
                <Stack align="flex-start">
                  <ScreenTitle tab="Not found">This page does not exist</ScreenTitle>
                  <Button component={Link} href="/">
                    Go to the games
                  </Button>
                </Stack>
              </Route>
            </Switch>
          </Container>
        </AppShell.Main>
      </AppShell>
    </ApolloProvider>
  );
}

const COLOR_SCHEMES = [
  { value: 'auto' as const, label: 'System' },
  { value: 'light' as const, label: 'Light' },
  { value: 'dark' as const, label: 'Dark' },
];

function Account({ onSignOut }: { onSignOut: () => void }) {
  const viewer = useQuery(VIEWER).data?.viewer;
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Popover position="bottom-end" width={240} withinPortal={false} trapFocus returnFocus>
      <Popover.Target>
        <Button variant="default" size="xs">
          Account
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label="Account">
        <Stack gap="sm">
          <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
            {viewer?.apiKey ?? viewer?.oauthUserId}
            {viewer?.isAdmin && ', admin'}
          </Text>
          <SegmentedControl
            aria-label="Colours"
            fullWidth
            size="xs"
            data={COLOR_SCHEMES}
            value={colorScheme}
            onChange={(scheme) => setColorScheme(scheme)}
          />
          <Button variant="default" size="xs" onClick={onSignOut}>
            Sign out
          </Button>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
