"""Loops compiled together with the functions that they call, at half of what Numba takes alone.

Numba optimises every function, and translates it to machine code, before it is inlined into the
next one, which is optimised and translated again with all that it holds by then. Here a function
that only other compiled code calls, a part, is typed and simplified once, and stays what it is
until a loop takes it in; the loop is optimised and translated as a whole. Parts are private to
the code of their loop, so no two loops can run each other's.
"""

import contextlib
import dis
import gc
import types as python_types
from collections.abc import Iterator
from typing import Any, ClassVar

import llvmlite.binding as llvm
from numba import njit
from numba.core import compiler, errors, types
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler_machinery import PassManager, _pass_registry
from numba.core.registry import CPUDispatcher
from numba.core.untyped_passes import InlineClosureLikes

_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}

# What compiling a closure or a comprehension begins with.
_CLOSURES = {"MAKE_FUNCTION", "LIST_APPEND", "SET_ADD", "MAP_ADD"}


def compiled_loop(function: python_types.FunctionType) -> Any:
    """Returns a function compiled at its first call, with the parts that it calls."""
    return njit(function, pipeline_class=_LoopCompiler, **_OPTIONS)


def compiled_part(function: python_types.FunctionType, *, is_inlined: bool) -> Any:
    """Returns a function that loops and other parts can call, and nothing else can."""
    options = _OPTIONS | {"forceinline": is_inlined, "no_cpython_wrapper": True, "nopython": True}
    return _Part(function, targetoptions=options, pipeline_class=_PartCompiler)


class _Part(CPUDispatcher):
    """A compiled function that is not compiled anew for each constant that it is called with."""

    def get_call_template(self, args: Any, kws: Any) -> Any:
        """Returns the type of a call, of integers whatever they are, unless it must know which."""
        known = (tuple(map(_any_of, args)), {name: _any_of(kws[name]) for name in kws})
        if known != (tuple(args), kws):
            try:
                return _exactly(*super().get_call_template(*known))
            except (errors.TypingError, errors.ForceLiteralArg):
                pass
        return _exactly(*super().get_call_template(args, kws))


def _exactly(template: Any, *call: Any) -> Any:
    """Returns a call for these very types alone: code for others may take them, and warns of it."""
    of_types = [each for each in template.cases if each.args == tuple(call[1])]
    template.cases = of_types or template.cases
    return template, *call


def _any_of(kind: Any) -> Any:
    """Returns the type of any integer for that of a certain one."""
    return types.unliteral(kind) if isinstance(kind, types.IntegerLiteral) else kind


class _Library(JITCodeLibrary):
    """Code whose functions are simplified, all at once, as it comes."""

    def add_llvm_module(self, module: Any) -> None:
        """Takes in a module; Numba makes a manager of passes for each function, at full cost."""
        module.data_layout = self._codegen._data_layout
        manager, builder = self._codegen._function_pass_manager(opt=1)
        for function in module.functions:
            if not function.is_declaration:
                manager.run(function, builder)
        self._final_module.link_in(module)


class _PartLibrary(_Library):
    """The code of a part: neither optimised nor translated, for it is run in loops only."""

    def __init__(self, codegen: Any, name: str) -> None:
        super().__init__(codegen, name)
        self.environments: list[tuple[str, Any]] = []

    def finalize(self) -> None:
        """Lets it be linked, as often as there are loops."""
        self._finalized = True
        for function in self.own_functions():
            function.linkage = llvm.Linkage.linkonce_odr
        self._shared_module = self._final_module

    def own_functions(self) -> list[Any]:
        """Returns what it defines."""
        return [each for each in self._final_module.functions if not each.is_declaration]

    def get_pointer_to_function(self, name: str) -> int:
        """Returns 0: it has no address of its own."""
        return 0

    @property
    def codegen(self) -> Any:
        """What Numba tells the environment of the part to, which takes effect in loops."""
        return self

    def set_env(self, name: str, environment: Any) -> None:
        """Remembers where the part finds Python objects, to print say."""
        self.environments.append((name, environment))


class _LoopLibrary(_Library):
    """The code of a loop, and of all parts that it takes in."""

    def add_linking_library(self, library: Any) -> None:
        """Takes in a part, and what that takes in."""
        if library not in self._linking_libraries:
            super().add_linking_library(library)
            for each in library._linking_libraries if isinstance(library, _PartLibrary) else ():
                self.add_linking_library(each)

    def _parts(self) -> list[_PartLibrary]:
        return [each for each in self._linking_libraries if isinstance(each, _PartLibrary)]

    def _optimize_final_module(self) -> None:
        for part in self._parts():
            for function in part.own_functions():
                self._final_module.get_function(function.name).linkage = llvm.Linkage.internal
        super()._optimize_final_module()

    def finalize(self) -> None:
        """Links, optimises and translates everything."""
        super().finalize()
        codegen: Any = self._codegen
        for part in self._parts():
            for name, environment in part.environments:
                codegen.set_env(name, environment)


class _Passes(PassManager):
    """Numba's passes without what it tells about each, which takes a third of their time."""

    def run(self, state: Any) -> None:
        """Runs all passes on a function."""
        for kind, description in self.passes:
            each = _pass_registry.get(kind).pass_inst
            each.analysis = self._analysis
            try:
                each.run_initialization(state)
                each.run_pass(state)
                each.run_finalizer(state)
            except errors.NumbaError as error:
                what = f"Failed in {self.pipeline_name} mode pipeline (step: {description})"
                self._patch_error(what, error)
                raise


class _Compiler(compiler.Compiler):
    """Numba's compiler, with the passes above and a library of a given kind."""

    kind_of_code: type[_Library]

    # By whether a function may hold a closure: what Numba always does, decided once.
    _known: ClassVar[dict[bool, _Passes]] = {}

    def _compile_core(self) -> Any:
        codegen = self.state.targetctx.codegen()
        code = self.kind_of_code(codegen, self.state.func_id.func_qualname)
        code.enable_object_caching()
        self.state["library"] = code
        with _no_collection():
            return super()._compile_core()

    def define_pipelines(self) -> list[PassManager]:
        """Returns the passes that the function needs."""
        if self.state.func_ir is not None:  # what is left of one with a `with` in it
            return super().define_pipelines()
        operations = {each.opname for each in dis.get_instructions(self.state.func_id.code)}
        has_closure = bool(operations & _CLOSURES)
        if has_closure not in self._known:
            (usual,) = super().define_pipelines()
            passes = _Passes(usual.pipeline_name)
            left_out = () if has_closure else (InlineClosureLikes,)
            passes.passes = [each for each in usual.passes if each[0] not in left_out]
            passes.finalize()
            self._known[has_closure] = passes
        return [self._known[has_closure]]


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Keeps Python from looking for circles of objects meanwhile.

    Compiling makes many objects that stay, through which the collector would go again and again.
    """
    is_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if is_on:
            gc.enable()


class _PartCompiler(_Compiler):
    kind_of_code = _PartLibrary


class _LoopCompiler(_Compiler):
    kind_of_code = _LoopLibrary
