given("of-rgb_dense__longvlm_50",{"outcomes":"221111222112214122122111","labels":null});
