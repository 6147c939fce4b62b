given("of-rgb_dense__dycoke_decode_25",{"outcomes":"221112212121212122122111","labels":null});
