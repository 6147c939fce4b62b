given("of-rgb_dense__dycoke_50",{"outcomes":"221112222112212212122111","labels":null});
