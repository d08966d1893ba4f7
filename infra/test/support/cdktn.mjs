import { registerHooks } from 'node:module';

// What a rename of every import to the maintained fork would do, without the rename.
registerHooks({
  resolve: (specifier, context, next) =>
    next(specifier === 'cdktf' ? 'cdktn' : specifier.replace(/^cdktf\//, 'cdktn/'), context),
});
