{
  'variables': {
    # The interpreter to embed. Not called "python": node-gyp overrides that name.
    'embed_python%': '.venv/bin/python',
  },
  'targets': [{
    'target_name': 'memory64',
    'sources': [
      'addon/addon.cc',
      'addon/buffer.cc',
      'addon/cancel.cc',
      'addon/convert.cc',
      'addon/copies.cc',
      'addon/error.cc',
      'addon/generation.cc',
      'addon/guest.cc',
      'addon/handle.cc',
      'addon/instance.cc',
      'addon/job.cc',
      'addon/model.cc',
      'addon/pool.cc',
      'addon/python_host.cc',
      'addon/session.cc',
      'addon/settler.cc',
      'addon/walk.cc',
    ],
    'dependencies': [
      '<!(node -p "require(\'node-addon-api\').targets"):node_addon_api_except',
    ],
    'include_dirs': [
      '<!("<(embed_python)" addon/python_config.py include)',
      '<!("<(embed_python)" addon/python_config.py pybind11)',
    ],
    'libraries': [
      '<!("<(embed_python)" addon/python_config.py library)',
    ],
    'defines': [
      # Version 9 is in every Node from 20.3 on, so one binary serves them all.
      'NAPI_VERSION=9',
      # A worker that is being terminated can no longer be thrown at; do not abort over it.
      'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS',
      'MEMORY64_BUILT_FOR_PYTHON="<!("<(embed_python)" addon/python_config.py executable)"',
    ],
    'cflags_cc': ['-std=c++20', '-Wall', '-Wextra', '-fvisibility=hidden'],
    'cflags_cc!': ['-fno-rtti'],
    # Beside Release and Debug, which come with Node's headers. Each is built into build/NAME.
    'configurations': {
      'Sanitized': {
        'inherit_from': ['Debug'],
        'cflags': ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'],
        'ldflags': ['-fsanitize=address,undefined'],
      },
      # As node_api.h is meant to be used where external buffers are forbidden (Electron).
      'WithoutExternalBuffers': {
        'inherit_from': ['Release'],
        'defines': ['NODE_API_NO_EXTERNAL_BUFFERS_ALLOWED'],
      },
    },
    # nodelete: Python's threads outlive the worker whose end would unload the addon.
    'ldflags': [
      '-Wl,-z,nodelete',
      '-Wl,-rpath,<!("<(embed_python)" addon/python_config.py libdir)',
    ],
    'xcode_settings': {
      'CLANG_CXX_LANGUAGE_STANDARD': 'c++20',
      'GCC_ENABLE_CPP_RTTI': 'YES',
      'GCC_SYMBOLS_PRIVATE_EXTERN': 'YES',
      'OTHER_LDFLAGS': [
        '-Wl,-rpath,<!("<(embed_python)" addon/python_config.py libdir)',
      ],
    },
  }],
}
