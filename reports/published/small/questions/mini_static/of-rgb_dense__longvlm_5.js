given("of-rgb_dense__longvlm_5",{"outcomes":"212212222121212112211221","labels":null});
