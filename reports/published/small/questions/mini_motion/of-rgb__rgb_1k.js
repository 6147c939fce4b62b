given("of-rgb__rgb_1k",{"outcomes":"221222212222112212122211","labels":null});
