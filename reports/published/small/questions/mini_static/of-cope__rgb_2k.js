given("of-cope__rgb_2k",{"outcomes":"212111122122122121222122","labels":null});
