given("of-rgb_dense__cacheflow_25",{"outcomes":"212221222112212112212122","labels":null});
