given("of-rgb_dense__rgb_4k",{"outcomes":"221112212121212122122111","labels":null});
