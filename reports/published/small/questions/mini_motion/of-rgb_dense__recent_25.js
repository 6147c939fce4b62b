given("of-rgb_dense__recent_25",{"outcomes":"221112212122212222122111","labels":null});
