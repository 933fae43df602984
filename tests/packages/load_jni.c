/* load_jni.c - loads libraries with every symbol bound at once, as Android does, and finds a function in the last. */
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv) {
  void *library = 0;
  for (int i = 1; i + 1 < argc; ++i) {
    library = dlopen(argv[i], RTLD_NOW | RTLD_LOCAL);
    if (!library) {
      puts(dlerror());
      return 1;
    }
  }
  return library && dlsym(library, argv[argc - 1]) ? 0 : 2;
}
