/* The one-file init: a statically linked CPython that runs the frozen package `reaper`.
 *
 * It uses only CPython's public C API. build.py generates the frozen modules and the list of built-in
 * modules. This file does what Python code cannot do for itself: it blocks the signals before the
 * interpreter starts; it configures the interpreter so that nothing around it has an influence on it,
 * and so that it changes nothing around it; and it makes two system calls.
 */
#include <Python.h>
#include <structmember.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>

enum { OWN_FAILURE = 125 };

/* The module _linux: the system calls that Python lacks. The other forms have reaper/init/linux.py. */

static PyObject *
call_prctl(PyObject *Py_UNUSED(module), PyObject *args)
{
    int option;
    unsigned long value;
    if (!PyArg_ParseTuple(args, "ik:prctl", &option, &value))
        return NULL;
    int result = prctl(option, value, 0UL, 0UL, 0UL);
    return result < 0 ? PyErr_SetFromErrno(PyExc_OSError) : PyLong_FromLong(result);
}

static PyObject *
call_ptrace(PyObject *Py_UNUSED(module), PyObject *args)
{
    int request;
    int pid;
    PyObject *data;
    Py_buffer memory = {0};
    if (!PyArg_ParseTuple(args, "iiO:ptrace", &request, &pid, &data))
        return NULL;
    void *value = NULL;
    if (PyLong_Check(data)) {
        value = PyLong_AsVoidPtr(data);
        if (PyErr_Occurred())
            return NULL;
    } else {
        if (PyObject_GetBuffer(data, &memory, PyBUF_WRITABLE) < 0)
            return NULL;
        value = memory.buf;
    }
    long result = ptrace(request, pid, NULL, value);
    PyObject *answer = result < 0 ? PyErr_SetFromErrno(PyExc_OSError) : PyLong_FromLong(result);
    PyBuffer_Release(&memory);
    return answer;
}

static PyMethodDef linux_methods[] = {
    {"prctl", call_prctl, METH_VARARGS, "prctl(option: int, value: int) -> int"},
    {"ptrace", call_ptrace, METH_VARARGS, "ptrace(request: int, pid: int, data: int | bytearray) -> int"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef linux_module = {
    PyModuleDef_HEAD_INIT, "_linux", NULL, -1, linux_methods, NULL, NULL, NULL, NULL};

PyObject *
PyInit__linux(void)
{
    return PyModule_Create(&linux_module);
}

/* The module resource: posix.wait4 takes the type of its answer from it, and needs nothing else. */

static PyStructSequence_Field rusage_fields[] = {
    {"ru_utime", NULL},   {"ru_stime", NULL},    {"ru_maxrss", NULL}, {"ru_ixrss", NULL},
    {"ru_idrss", NULL},   {"ru_isrss", NULL},    {"ru_minflt", NULL}, {"ru_majflt", NULL},
    {"ru_nswap", NULL},   {"ru_inblock", NULL},  {"ru_oublock", NULL}, {"ru_msgsnd", NULL},
    {"ru_msgrcv", NULL},  {"ru_nsignals", NULL}, {"ru_nvcsw", NULL},  {"ru_nivcsw", NULL},
    {NULL, NULL},
};

static PyStructSequence_Desc rusage = {"resource.struct_rusage", NULL, rusage_fields, 16};

static struct PyModuleDef resource_module = {
    PyModuleDef_HEAD_INIT, "resource", NULL, -1, NULL, NULL, NULL, NULL, NULL};

PyObject *
PyInit_resource(void)
{
    PyObject *module = PyModule_Create(&resource_module);
    PyTypeObject *type = module ? PyStructSequence_NewType(&rusage) : NULL;
    if (!type || PyModule_AddObjectRef(module, "struct_rusage", (PyObject *)type) < 0)
        Py_CLEAR(module);
    Py_XDECREF(type);
    return module;
}

static void
leave(PyStatus status)
{
    fprintf(stderr, "reaper: the interpreter cannot start: %s\n",
            status.err_msg ? status.err_msg : "unknown reason");
    exit(OWN_FAILURE);
}

static void
check(PyStatus status)
{
    if (PyStatus_Exception(status))
        leave(status);
}

static void
start_interpreter(int argc, char **argv)
{
    /* UTF-8 with surrogateescape keeps every byte of argv. There is no setlocale(3), no LC_CTYPE. */
    PyPreConfig before;
    PyPreConfig_InitIsolatedConfig(&before);
    before.utf8_mode = 1;
    before.configure_locale = 0;
    check(Py_PreInitialize(&before));

    PyConfig config;
    PyConfig_InitIsolatedConfig(&config);
    config.site_import = 0;
    config.write_bytecode = 0;
    config.buffered_stdio = 0;
    config.install_signal_handlers = 0; /* SIGPIPE and SIGXFSZ stay as they were inherited */
    config.use_hash_seed = 1;           /* a fixed seed: only our own keys are hashed */
    config.use_frozen_modules = 1;
    config.module_search_paths_set = 1; /* sys.path is empty: only frozen modules exist */

    /* With all of these set, Python looks for nothing on disk. */
    wchar_t **nowhere[] = {&config.home,        &config.program_name, &config.executable,
                           &config.prefix,      &config.base_prefix,  &config.base_executable,
                           &config.exec_prefix, &config.base_exec_prefix};
    for (size_t i = 0; i < sizeof nowhere / sizeof *nowhere; i++)
        check(PyConfig_SetString(&config, nowhere[i], L"/reaper"));
    check(PyConfig_SetBytesArgv(&config, argc, argv));

    check(Py_InitializeFromConfig(&config));
    PyConfig_Clear(&config);
}

static PyObject *
as_set(const sigset_t *signals)
{
    PyObject *set = PySet_New(NULL);
    for (int number = 1; set && number < NSIG; number++) {
        if (sigismember(signals, number) != 1)
            continue;
        PyObject *item = PyLong_FromLong(number);
        if (!item || PySet_Add(set, item) < 0)
            Py_CLEAR(set);
        Py_XDECREF(item);
    }
    return set;
}

static void
run_init(const sigset_t *inherited)
{
    PyObject *start = PyImport_ImportModule("reaper.init.start");
    PyObject *argv = PySys_GetObject("argv");
    PyObject *arguments = PyList_GetSlice(argv, 1, PyList_Size(argv));
    PyObject *mask = as_set(inherited);
    if (start && arguments && mask)
        PyObject_CallMethod(start, "run", "OO", arguments, mask);
    PyErr_Print(); /* run() returns only if the init itself failed */
}

static sigset_t inherited;

/* This runs first, even before the constructor in which the allocator of CPython 3.13 looks around.
 * From here on a signal waits for the init instead of being lost. */
__attribute__((constructor(101))) static void
block_signals(void)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &inherited);
}

int
main(int argc, char **argv)
{
    start_interpreter(argc, argv);
    run_init(&inherited);
    return OWN_FAILURE;
}
