given("of-rgb_dense__fastv_25",{"outcomes":"221112222121212122122111","labels":null});
