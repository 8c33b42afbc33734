import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Ctx, Info, Mutation, Resolver } from 'type-graphql';
import type { Context } from '../../app/context.js';
import { selectionOf } from '../../graphql/schema/select.js';
import {
  CreateTaskInput,
  CreateTaskPayload,
  DeleteTaskInput,
  DeleteTaskPayload,
  DuplicateTaskInput,
  DuplicateTaskPayload,
  PatchTaskInput,
  PatchTaskPayload,
} from './task.type.js';

@Resolver()
export class TaskResolver {
  @Mutation(() => CreateTaskPayload, {
    nullable: true,
    description:
      'Adds a task to a game of yours. BAD_USER_INPUT lists everything that is wrong; CONFLICT when the external id is taken in the game.',
  })
  async createTask(
    @Ctx() { caller, tasks }: Context,
    @Arg('input', () => CreateTaskInput, { description: 'The new task.' }) input: CreateTaskInput,
    @Info() info: GraphQLResolveInfo,
  ): Promise<CreateTaskPayload> {
    const task = await tasks.createTask(caller, input, selectionOf(info).below('task'));
    return { task: input.dryRun ? null : task };
  }

  @Mutation(() => PatchTaskPayload, {
    nullable: true,
    description:
      'Changes what is given of a task and leaves the rest. A value equal to the stored one is no change.',
  })
  async patchTask(
    @Ctx() { caller, tasks }: Context,
    @Arg('input', () => PatchTaskInput, { description: 'What to change.' }) input: PatchTaskInput,
    @Info() info: GraphQLResolveInfo,
  ): Promise<PatchTaskPayload> {
    const { task, changes } = await tasks.patchTaskById(
      caller,
      input.id,
      input,
      selectionOf(info).below('task'),
    );
    return { task: input.dryRun ? null : task, changes };
  }

  @Mutation(() => DeleteTaskPayload, {
    nullable: true,
    description: 'Deletes a task and everything that belongs to it: settings and points.',
  })
  async deleteTask(
    @Ctx() { caller, tasks }: Context,
    @Arg('input', () => DeleteTaskInput, { description: 'What to delete.' }) input: DeleteTaskInput,
  ): Promise<DeleteTaskPayload> {
    const { id, externalTaskId, deleted } = await tasks.deleteTaskById(caller, input);
    return { deletedTaskId: input.dryRun ? null : id, externalTaskId, deleted };
  }

  @Mutation(() => DuplicateTaskPayload, {
    nullable: true,
    description:
      'Copies a task with its settings, not its points, into its game or another one of yours. The copy is open.',
  })
  async duplicateTask(
    @Ctx() { caller, tasks }: Context,
    @Arg('input', () => DuplicateTaskInput, { description: 'What to copy, and under which name.' })
    input: DuplicateTaskInput,
    @Info() info: GraphQLResolveInfo,
  ): Promise<DuplicateTaskPayload> {
    const task = await tasks.duplicateTask(caller, input, selectionOf(info).below('task'));
    return { task: input.dryRun ? null : task };
  }
}
