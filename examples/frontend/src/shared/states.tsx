import { Alert, Button, Skeleton, Stack, Title, VisuallyHidden } from '@mantine/core';
import { useEffect, useRef, type ReactNode } from 'react';
import { messageOf } from '../errors';

/** The heading of a screen. A screen reader goes on from here when the screen changes. */
export function ScreenTitle({ children, tab }: { children: ReactNode; tab: string }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  return (
    <>
      <title>{`${tab} · GAME`}</title>
      <Title
        ref={heading}
        order={1}
        size="h2"
        tabIndex={-1}
        style={{ outline: 'none', overflowWrap: 'anywhere' }}
      >
        {children}
      </Title>
    </>
  );
}

export function Waiting({ lines = 6 }: { lines?: number }) {
  return (
    <Stack role="status" gap="sm">
      <VisuallyHidden>Loading</VisuallyHidden>
      {Array.from({ length: lines }, (_, line) => (
        <Skeleton key={line} height={28} />
      ))}
    </Stack>
  );
}

interface FailureProps {
  error: unknown;
  title: string;
  /** Tries once more. */
  onRetry?: (() => void) | undefined;
  /** What is told instead of the error's message. */
  children?: ReactNode;
}

export function Failure({ error, title, onRetry, children }: FailureProps) {
  return (
    <Alert color="red" title={title}>
      <Stack gap="sm" align="flex-start">
        {children || messageOf(error)}
        {onRetry && (
          <Button size="xs" color="red.9" onClick={onRetry}>
            Try again
          </Button>
        )}
      </Stack>
    </Alert>
  );
}
